#include "loadgen/engine/request_list.h"

void request_list_append(struct request_list *list, struct engine_request *request)
{
    request->next = NULL;
    if (list->last != NULL)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
    list->count++;
}

struct engine_request *request_list_pop(struct request_list *list)
{
    struct engine_request *request = list->first;
    if (request == NULL)
        return NULL;
    list->first = request->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    request->next = NULL;
    return request;
}

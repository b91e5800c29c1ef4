#include "services/collector/query_absent.h"

#include "services/collector/answer.h"

void query_absent_metrics(struct request *request, struct response *response)
{
    (void)request;
    answer_error_legacy(response, 501, "no store of metrics is connected");
}

void query_absent_archive(struct request *request, struct response *response)
{
    (void)request;
    answer_error_legacy(response, 501, "there is no archive: a trace stays in the one store");
}

#include "services/collector/senders.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "services/collector/probe.h"

enum {
    SENDERS_MAX = 64,
    WAIT_MS = 300,
    ALL_WAIT_MS = 2000,
    FRESH_MS = 1000,
    METRICS_MAX = 4 << 20
};

struct endpoint {
    struct sender sender;
    const char *address;
};

struct senders {
    char *text; /* names and addresses lie in it */
    struct endpoint endpoints[SENDERS_MAX];
    size_t count;
    pthread_mutex_t lock; /* guards what the senders said, and when */
    uint64_t asked_ns;    /* 0: never */
};

/* Cuts "name=address" in two; false: it is none. */
static bool read_endpoint(char *item, struct endpoint *endpoint)
{
    item += strspn(item, " ");
    char *equals = strchr(item, '=');
    if (!equals || equals == item || !strchr(equals, ':'))
        return false;
    *equals = '\0';
    *endpoint = (struct endpoint){{.name = item}, equals + 1};
    return true;
}

enum status senders_new(struct senders **out, const char *endpoints)
{
    struct senders *senders = calloc(1, sizeof(*senders));
    *out = NULL;
    if (senders)
        senders->text = strdup(endpoints ? endpoints : "");
    if (!senders || !senders->text) {
        free(senders);
        return STATUS_NO_MEMORY;
    }
    pthread_mutex_init(&senders->lock, NULL);
    char *rest = senders->text, *item;
    while (senders->count < SENDERS_MAX && (item = strsep(&rest, ",")) != NULL)
        senders->count += read_endpoint(item, &senders->endpoints[senders->count]);
    *out = senders;
    return STATUS_OK;
}

void senders_free(struct senders *senders)
{
    if (!senders)
        return;
    pthread_mutex_destroy(&senders->lock);
    free(senders->text);
    free(senders);
}

static void ask(struct endpoint *endpoint, uint64_t deadline_ns)
{
    struct buffer body;
    const uint64_t left_ms = clock_remaining_ms(deadline_ns);
    const uint32_t wait_ms = left_ms < WAIT_MS ? (uint32_t)left_ms : WAIT_MS;
    buffer_init(&body, METRICS_MAX);
    endpoint->sender.is_silent =
        wait_ms == 0 || probe_get(endpoint->address, "/metrics", wait_ms, &body) != STATUS_OK;
    if (!endpoint->sender.is_silent)
        endpoint->sender.lost =
            lost_spans_of_metrics((struct text){buffer_text(&body), body.length_bytes});
    buffer_release(&body);
}

static void visit_all(const struct senders *senders,
                      void (*visit)(void *context, const struct sender *sender), void *context)
{
    for (size_t i = 0; i < senders->count; i++)
        visit(context, &senders->endpoints[i].sender);
}

void senders_visit(struct senders *senders,
                   void (*visit)(void *context, const struct sender *sender), void *context)
{
    pthread_mutex_lock(&senders->lock);
    const uint64_t now_ns = clock_mono_ns();
    if (senders->asked_ns == 0 || now_ns - senders->asked_ns > FRESH_MS * NS_PER_MS) {
        for (size_t i = 0; i < senders->count; i++)
            ask(&senders->endpoints[i], now_ns + ALL_WAIT_MS * NS_PER_MS);
        senders->asked_ns = clock_mono_ns();
    }
    visit_all(senders, visit, context);
    pthread_mutex_unlock(&senders->lock);
}

void senders_recall(struct senders *senders,
                    void (*visit)(void *context, const struct sender *sender), void *context)
{
    pthread_mutex_lock(&senders->lock);
    visit_all(senders, visit, context);
    pthread_mutex_unlock(&senders->lock);
}

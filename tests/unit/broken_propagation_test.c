#include "diagnose/broken_propagation.h"

#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

/* A window of requests that each make one call; what becomes of the callee's span is the row's. */
struct lost_row {
    const char *it;
    const char *wanted;            /* "confidence state service operation peer", or "" */
    int kept;                      /* requests whose server is a child, as it should be */
    int split;                     /* ... is a trace of its own within the call */
    int bare;                      /* ... is not there at all */
    int strangers;                 /* traces of the callee in nobody's call */
    const char *host;              /* server.address; NULL: "pay" */
    const char *template, *route;  /* of client and server; NULL: "/pay" */
    const char *method;            /* of the server; NULL: POST */
    double late_us;                /* the callee's clock is ahead by so much */
    bool error;                    /* the calls failed */
    bool unsampled;                /* the calls said so */
    bool queue;                    /* a message in place of a call */
    bool linked;                   /* ... whose consumer links to the producer */
    bool parented;                 /* the trace of its own names a parent that nobody has */
    bool crowded;                  /* all requests at once */
    int before_kept, before_split; /* the baseline */
};

static const struct lost_row lost_rows[] = {
    {"it names the caller of calls without servers that hold a trace each",
     "proved standing shop POST /pay pay", .split = 50},
    {"it says regression when the baseline had the servers", "proved regression shop POST /pay pay",
     .split = 50, .before_kept = 50},
    {"it says standing when the baseline had none", "proved standing shop POST /pay pay",
     .split = 50, .before_split = 50},
    {"it matches calls that all run at once", "proved standing shop POST /pay pay", .split = 50,
     .crowded = true},
    {"it takes a part of the calls, when it is large enough", "proved standing shop POST /pay pay",
     .split = 10, .kept = 40},
    {"it does not take less than 5 % of the calls", "", .split = 5, .kept = 195},
    {"it needs five requests", "", .split = 4},
    {"it takes five", "proved standing shop POST /pay pay", .split = 5},
    {"it does not take calls whose callee is silent", "", .bare = 50},
    {"it does not take a silent callee's calls beside its other traffic", "", .bare = 50,
     .strangers = 50},
    {"it does not take healthy calls beside the callee's other traffic", "", .kept = 50,
     .strangers = 50},
    {"it names it beside a little other traffic of the callee",
     "proved standing shop POST /pay pay", .split = 50, .strangers = 5},
    {"it is less sure beside much other traffic of the callee",
     "strong standing shop POST /pay pay", .split = 50, .strangers = 30},
    {"it is less sure where only a sample of the requests is looked at",
     "strong standing shop POST /pay pay", .split = 50, .strangers = 300},
    {"it is not sure of a few among many such traces", "", .split = 10, .strangers = 300},
    {"it is less sure when the callee samples by itself", "strong standing shop POST /pay pay",
     .split = 10, .bare = 40},
    {"it does not take calls that failed", "", .split = 50, .error = true},
    {"it does not take calls that told their callee not to sample", "", .split = 50,
     .unsampled = true, .kept = 5},
    {"it knows a service by its name with a domain", "proved standing shop POST /pay pay",
     .split = 50, .host = "pay.shop.svc"},
    {"it knows a service by its route where the host is an address",
     "proved standing shop POST /pay pay", .split = 50, .host = "10.0.0.7"},
    {"it does not match another route behind an unknown host", "", .split = 50, .host = "bank",
     .route = "/other"},
    {"it does not mix up routes", "", .split = 50, .route = "/refund"},
    {"it does not mix up methods", "", .split = 50, .method = "GET"},
    {"it takes {id} and :id for the same", "proved standing shop POST /pay/{id} pay", .split = 50,
     .template = "/pay/{id}", .route = "/pay/:pay_id"},
    {"it forgives clocks a little", "proved standing shop POST /pay pay", .split = 50,
     .late_us = 3000},
    {"it does not take traces that begin long after the call", "", .split = 50, .late_us = 350000},
    {"it takes a parent that nobody has for none", "proved standing shop POST /pay pay",
     .split = 50, .parented = true},
    {"it names the producer of messages whose consumers begin a trace",
     "proved standing shop send paid mailer", .split = 50, .queue = true},
    {"it finds a message's consumer long after", "proved standing shop send paid mailer",
     .split = 50, .queue = true, .late_us = 400000},
    {"it does not take consumers that link to their producer", "", .split = 50, .queue = true,
     .linked = true},
};

static void add_server(struct builder *builder, const struct lost_row *row, uint64_t parent,
                       double start_us)
{
    static const struct otlp_link link;
    builder_call(builder, parent, row->queue ? "mailer" : "pay",
                 row->queue ? OTLP_KIND_CONSUMER : OTLP_KIND_SERVER,
                 row->queue ? "process paid" : "serve", start_us, start_us + 8000);
    if (row->linked) {
        builder_last(builder)->links = &link;
        builder_last(builder)->link_count = 1;
    }
    if (row->queue) {
        builder_attribute(builder, "messaging.destination.name", "paid");
        return;
    }
    builder_attribute(builder, "http.request.method", row->method ? row->method : "POST");
    builder_attribute(builder, "http.route", row->route ? row->route : "/pay");
}

static uint64_t add_client(struct builder *builder, const struct lost_row *row, uint64_t parent,
                           double start_us)
{
    const char *route = row->template ? row->template : "/pay";
    char name[40];
    snprintf(name, sizeof(name), row->queue ? "send paid" : "POST %s", route);
    const uint64_t id =
        builder_call(builder, parent, "shop", row->queue ? OTLP_KIND_PRODUCER : OTLP_KIND_CLIENT,
                     name, start_us, start_us + (row->queue ? 100 : 10000));
    builder_last(builder)->status = row->error ? OTLP_STATUS_ERROR : OTLP_STATUS_UNSET;
    if (row->queue) {
        builder_attribute(builder, "messaging.destination.name", "paid");
        return id;
    }
    builder_attribute(builder, "http.request.method", "POST");
    builder_attribute(builder, "url.template", route);
    builder_attribute(builder, "server.address", row->host ? row->host : "pay");
    return id;
}

enum fate { KEPT, SPLIT, BARE, STRANGER };

static void add_request(struct builder *builder, const struct lost_row *row, enum fate fate,
                        double at_us)
{
    builder->trace++;
    if (fate == STRANGER) {
        add_server(builder, row, 0, at_us + 50000);
        return;
    }
    const uint64_t page =
        builder_call(builder, 0, "shop", OTLP_KIND_SERVER, "GET /page", at_us, at_us + 20000);
    const uint64_t call = add_client(builder, row, page, at_us + 5000);
    if (row->unsampled && fate == SPLIT)
        builder_last(builder)->flags = 0;
    if (fate == KEPT)
        add_server(builder, row, call, at_us + 6000);
    if (fate != SPLIT)
        return;
    builder->trace += 1000000;
    add_server(builder, row, row->parented ? 500000 + call : 0, at_us + 6000 + row->late_us);
    builder->trace -= 1000000;
}

static void add_window(struct builder *builder, const struct lost_row *row, const int counts[4])
{
    const int total = counts[KEPT] + counts[SPLIT] + counts[BARE] + counts[STRANGER];
    int due[4] = {0};
    for (int i = 0; i < total; i++) {
        int fate = KEPT;
        for (int k = 0; k < 4; k++) {
            due[k] += counts[k];
            fate = due[k] > due[fate] ? k : fate;
        }
        due[fate] -= total;
        add_request(builder, row, (enum fate)fate, row->crowded ? i * 10 : i * 100000);
    }
}

static void check_lost(void **state)
{
    const struct lost_row *row = *state;
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    add_window(&now, row, (const int[]){row->kept, row->split, row->bare, row->strangers});
    add_window(&before, row, (const int[]){row->before_kept, row->before_split, 0, 0});
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, before.spans.count ? &baseline : NULL, &diagnosis, NULL), STATUS_OK);
    char found[200] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        assert_int_equal(finding->kind, FINDING_BROKEN_PROPAGATION);
        assert_true(finding->saving_ms == 0 && finding->cost_ms > 7.9 && finding->cost_ms < 8.1);
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s %.*s %.*s %.*s",
                 i ? "; " : "", finding_confidence_word(finding->confidence),
                 finding_state_word(finding->state), TEXT_ARGS(finding->service),
                 TEXT_ARGS(finding->operation), TEXT_ARGS(finding->peer));
    }
    assert_string_equal(found, row->wanted);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, lost_rows, check_lost);
    return rows_run("broken_propagation", &all);
}

#include "trace/otlp_body.h"

#include "trace/gzip.h"
#include "trace/transcode.h"

static const struct transcode_type *const types[] = {
    [OTLP_TRACES] = &transcode_traces,
    [OTLP_LOGS] = &transcode_logs,
};

enum status otlp_body_init(struct otlp_body *body, enum otlp_signal signal,
                           const struct otlp_settings *settings)
{
    *body = (struct otlp_body){.signal = signal, .json = settings->json};
    buffer_init(&body->text, OTLP_BODY_MAX);
    buffer_init(&body->packed, OTLP_BODY_MAX);
    return settings->gzip ? gzip_new(&body->gzip) : STATUS_OK;
}

void otlp_body_release(struct otlp_body *body)
{
    buffer_release(&body->text);
    buffer_release(&body->packed);
    gzip_free(body->gzip);
    body->gzip = NULL;
}

void otlp_body_forget(struct otlp_body *body)
{
    *body = (struct otlp_body){0};
}

static enum status write_json(struct otlp_body *body, struct text otlp)
{
    struct json_writer writer;
    buffer_clear(&body->text);
    json_writer_init(&writer, &body->text, 0);
    transcode_message(types[body->signal], otlp, &writer);
    return body->text.failed;
}

enum status otlp_body_make(struct otlp_body *body, struct text otlp, struct text *bytes)
{
    enum status status = STATUS_OK;
    *bytes = otlp;
    if (otlp.length > OTLP_BODY_MAX)
        return STATUS_TOO_LARGE;
    if (body->json) {
        status = write_json(body, otlp);
        *bytes = (struct text){(const char *)body->text.data, body->text.length_bytes};
    }
    if (status != STATUS_OK || body->gzip == NULL)
        return status;
    buffer_clear(&body->packed);
    status = gzip_deflate(body->gzip, bytes->data, bytes->length, &body->packed);
    *bytes = (struct text){(const char *)body->packed.data, body->packed.length_bytes};
    return status;
}

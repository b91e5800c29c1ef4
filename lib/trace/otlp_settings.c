#include "trace/otlp_settings.h"

#include <stdio.h>
#include <string.h>

#include "trace/otel_env.h"

static const struct {
    const char *infix, *path;
} signals[] = {
    [OTLP_TRACES] = {"TRACES_", "/v1/traces"},
    [OTLP_LOGS] = {"LOGS_", "/v1/logs"},
};

/* Where the name of a variable is put together. */
struct name {
    char text[64];
};

static const char *name_of(struct name *name, const char *infix, const char *rest)
{
    snprintf(name->text, sizeof name->text, "OTEL_EXPORTER_OTLP_%s%s", infix, rest);
    return name->text;
}

static void read_base(struct otlp_settings *settings, const char *path)
{
    const char *base = otel_env_value("OTEL_EXPORTER_OTLP_ENDPOINT");
    size_t length = base != NULL ? strlen(base) : 0;
    while (length > 0 && base[length - 1] == '/')
        length--;
    snprintf(settings->endpoint, sizeof settings->endpoint, "http://localhost:4318%s", path);
    if (base == NULL)
        return;
    if (length + strlen(path) >= sizeof settings->endpoint) {
        otel_env_warn("OTEL_EXPORTER_OTLP_ENDPOINT", base);
        return;
    }
    memcpy(settings->endpoint, base, length);
    text_copy(text_of(path), settings->endpoint + length, sizeof settings->endpoint - length);
}

/* What all signals and one signal have alike: `infix` "" or the signal's. */
static void read_variables(struct otlp_settings *settings, const char *infix)
{
    static const char *const compressions[] = {"none", "gzip"};
    static const char *const protocols[] = {"http/protobuf", "http/json"};
    struct name name = {""};
    otel_env_text(name_of(&name, infix, "HEADERS"), settings->headers, sizeof settings->headers);
    otel_env_timeout_ms(name_of(&name, infix, "TIMEOUT"), &settings->timeout_ms);
    int choice = otel_env_choice(name_of(&name, infix, "COMPRESSION"), compressions, 2);
    settings->gzip = choice >= 0 ? choice == 1 : settings->gzip;
    choice = otel_env_choice(name_of(&name, infix, "PROTOCOL"), protocols, 2);
    settings->json = choice >= 0 ? choice == 1 : settings->json;
    otel_env_text(name_of(&name, infix, "CERTIFICATE"), settings->certificate,
                  sizeof settings->certificate);
    otel_env_text(name_of(&name, infix, "CLIENT_KEY"), settings->client_key,
                  sizeof settings->client_key);
    otel_env_text(name_of(&name, infix, "CLIENT_CERTIFICATE"), settings->client_certificate,
                  sizeof settings->client_certificate);
}

void otlp_settings_read(struct otlp_settings *settings, enum otlp_signal signal)
{
    struct name name = {""};
    *settings = (struct otlp_settings){.timeout_ms = 10000};
    read_base(settings, signals[signal].path);
    otel_env_text(name_of(&name, signals[signal].infix, "ENDPOINT"), settings->endpoint,
                  sizeof settings->endpoint);
    read_variables(settings, "");
    read_variables(settings, signals[signal].infix);
}

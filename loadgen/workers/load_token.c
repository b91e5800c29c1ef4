#include "loadgen/workers/load_token.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/text.h"

enum { FILE_BYTES_MAX = 4096 };

static bool is_plain(struct text token)
{
    for (size_t i = 0; i < token.length; i++)
        if (token.data[i] <= ' ' || token.data[i] > '~')
            return false;
    return true;
}

static enum status take(struct text token, const char *where, char out[WORKER_TOKEN_MAX + 1],
                        struct error *error)
{
    if (token.length < WORKER_TOKEN_LEAST || token.length > WORKER_TOKEN_MAX || !is_plain(token))
        return error_set(error, STATUS_INVALID,
                         "%s: a token has %d to %d characters, no spaces among them", where,
                         WORKER_TOKEN_LEAST, WORKER_TOKEN_MAX);
    text_copy(token, out, WORKER_TOKEN_MAX + 1);
    return STATUS_OK;
}

enum status load_token_read(const char *path, char out[WORKER_TOKEN_MAX + 1], struct error *error)
{
    const char *given = getenv("CULPRIT_TOKEN");
    struct buffer file;
    out[0] = '\0';
    if (path == NULL && (given == NULL || given[0] == '\0'))
        return error_set(error, STATUS_INVALID,
                         "a token is wanted: --token-file FILE, or CULPRIT_TOKEN");
    if (path == NULL)
        return take(text_of(given), "CULPRIT_TOKEN", out, error);
    buffer_init(&file, FILE_BYTES_MAX);
    enum status status = buffer_read_file(&file, path, error);
    struct text rest = {buffer_text(&file), file.length_bytes};
    struct text line = text_split(&rest, '\n');
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    if (status == STATUS_OK)
        status = take(line, path, out, error);
    buffer_release(&file);
    return status;
}

/* Who a customer is: users with real password hashes (yescrypt), sessions by opaque tokens. A known
 * session is answered from a bounded memory in front of the database. */
#include <crypt.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/rng.h"
#include "http/evidence.h"
#include "http/named_lock.h"
#include "http/service.h"
#include "http/validate.h"
#include "services/shop.h"

enum {
    TOKEN_BYTES = 16,
    TOKEN_LENGTH = 2 * TOKEN_BYTES,
    SESSION_LIFE_S = 24 * 3600,
    SESSIONS_KEPT = 4096, /* in memory */
    HASHES_AT_ONCE = 4,   /* each takes 32 MiB and a core for its time */
    HASH_COST = 6,        /* about 50 ms */
};

struct session {
    char token[TOKEN_LENGTH + 1]; /* "" is a free place */
    char user[SHOP_ID_MAX + 1];
    int64_t expires_s; /* Unix time */
};

struct auth {
    sem_t hashing;
    struct named_lock lock; /* guards what follows */
    struct map places;      /* token to its place in `sessions` */
    size_t next;            /* the oldest place, which is used next */
    struct session sessions[SESSIONS_KEPT];
};

static int64_t now_s(void)
{
    return (int64_t)(clock_wall_ns() / NS_PER_S);
}

/* ---- sessions in memory */

static void remember(struct auth *auth, const struct session *session)
{
    named_lock_enter(&auth->lock);
    if (!map_find(&auth->places, session->token, TOKEN_LENGTH)) {
        size_t place = auth->next;
        struct session *kept = &auth->sessions[place];
        auth->next = (place + 1) % SESSIONS_KEPT;
        if (kept->token[0]) {
            map_remove(&auth->places, kept->token, TOKEN_LENGTH);
        }
        *kept = *session;
        uint64_t *value = map_put(&auth->places, kept->token, TOKEN_LENGTH, NULL);
        if (value) {
            *value = place;
        }
    }
    named_lock_leave(&auth->lock);
}

static bool recall(struct auth *auth, const char *token, struct session *out)
{
    named_lock_enter(&auth->lock);
    const uint64_t *place = map_find(&auth->places, token, TOKEN_LENGTH);
    if (place) {
        *out = auth->sessions[*place];
    }
    named_lock_leave(&auth->lock);
    evidence_cache("sessions", place != NULL);
    return place != NULL;
}

/* ---- passwords */

/* The hash of a password under a setting (or an older hash) into `out`; STATUS_TIMEOUT: too many
 * others are at it. */
static enum status hash_password(struct request *request, const char *password, const char *setting,
                                 char out[CRYPT_OUTPUT_SIZE])
{
    struct auth *auth = request->work.parts->own;
    uint64_t deadline_ns = request->work.deadline_ns;
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    while (sem_clockwait(&auth->hashing, CLOCK_MONOTONIC, &until) != 0) {
        if (errno != EINTR) {
            return STATUS_TIMEOUT;
        }
    }
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *hash = data ? crypt_r(password, setting, data) : NULL;
    bool good = hash && hash[0] != '*';
    if (good) {
        text_copy(text_of(hash), out, CRYPT_OUTPUT_SIZE);
    }
    if (data) {
        explicit_bzero(data, sizeof *data);
    }
    free(data);
    sem_post(&auth->hashing);
    return good ? STATUS_OK : STATUS_IO;
}

static enum status new_hash(struct request *request, const char *password,
                            char out[CRYPT_OUTPUT_SIZE])
{
    char random[32];
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (rng_secret(random, sizeof random) != STATUS_OK ||
        !crypt_gensalt_rn("$y$", HASH_COST, random, sizeof random, setting, sizeof setting)) {
        return STATUS_IO;
    }
    return hash_password(request, password, setting, out);
}

/* In the same time wherever the two differ. */
static bool same_hash(const char *a, const char *b)
{
    size_t length = strlen(a);
    unsigned char difference = strlen(b) != length;
    for (size_t i = 0; !difference && i < length; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return !difference;
}

/* Hash of the demo users' password "culprit"; also what an unknown user's password is held against,
 * so that the time of the answer does not tell who exists. */
#define DEMO_HASH "$y$jAT$f/VFs10BMlLHcn5pm1s0g0$QH0l62xef0RxkwJOyGqVqK2kbNcBNm9kKM7c3KJlqI0"

static const struct db_query select_user = {
    "SELECT users",
    "SELECT hash FROM users WHERE user = ?",
};

/* STATUS_OK: the password is this user's. STATUS_REFUSED, STATUS_NOT_FOUND: it is not. */
static enum status check_password(struct request *request, const char *user, const char *password)
{
    struct db_rows *rows = NULL;
    char kept[CRYPT_OUTPUT_SIZE] = DEMO_HASH;
    char hash[CRYPT_OUTPUT_SIZE];
    enum status status = db_select(&request->work, &select_user, &rows, "s", user);
    bool known = status == STATUS_OK && db_next(rows);
    if (known) {
        text_copy(text_of(db_text(rows, 0)), kept, sizeof kept);
    }
    enum status done = db_done(rows);
    status = status == STATUS_OK ? done : status;
    if (status == STATUS_OK) {
        status = hash_password(request, password, kept, hash);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return !known ? STATUS_NOT_FOUND : same_hash(kept, hash) ? STATUS_OK : STATUS_REFUSED;
}

/* ---- routes */

struct credentials {
    const char *user, *password;
};

static const struct validate_field credential_fields[] = {
    VALIDATE_FIELD(struct credentials, user, VALIDATE_NAME, 1, SHOP_ID_MAX),
    VALIDATE_FIELD(struct credentials, password, VALIDATE_TEXT, 1, SHOP_TEXT_MAX),
};

static const struct db_query insert_user = {
    "INSERT users",
    "INSERT INTO users(user, hash) VALUES (?, ?)",
};

static enum status add_user(struct request *request, const struct credentials *credentials)
{
    char hash[CRYPT_OUTPUT_SIZE];
    struct db_transaction *transaction = NULL;
    enum status status = new_hash(request, credentials->password, hash);
    if (status == STATUS_OK) {
        status = db_begin(&request->work, &transaction);
    }
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_user, NULL, "ss", credentials->user, hash);
    }
    if (status != STATUS_OK) {
        db_rollback(transaction);
        return status;
    }
    return db_commit(transaction);
}

static void post_user(struct request *request, struct response *response)
{
    struct credentials given = {0};
    if (!validate_body(request, response, credential_fields, COUNT_OF(credential_fields), &given)) {
        return;
    }
    unsigned code = 200;
    enum status status = check_password(request, given.user, given.password);
    if (status == STATUS_NOT_FOUND) {
        code = 201;
        status = add_user(request, &given);
    }
    if (status == STATUS_EXISTS) { /* another request was faster */
        code = 200;
        status = check_password(request, given.user, given.password);
    }
    if (status == STATUS_REFUSED) {
        response_error(response, 409, "user_exists", "this user exists with another password");
    } else if (status != STATUS_OK) {
        response_trouble(response, "auth_failed", status);
    } else {
        response_json(response, code, json_pack("{s:s}", "user", given.user));
    }
}

static const struct db_query insert_session = {
    "INSERT sessions",
    "INSERT INTO sessions(token, user, expires_s) VALUES (?, ?, ?)",
};

static enum status begin_session(struct request *request, const char *user, struct session *session)
{
    uint8_t secret[TOKEN_BYTES];
    struct db_transaction *transaction = NULL;
    enum status status = rng_secret(secret, sizeof secret);
    if (status != STATUS_OK) {
        return status;
    }
    hex_encode(secret, TOKEN_BYTES, session->token);
    session->token[TOKEN_LENGTH] = '\0';
    session->expires_s = now_s() + SESSION_LIFE_S;
    text_copy(text_of(user), session->user, sizeof session->user);
    status = db_begin(&request->work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &insert_session, NULL, "ssi", session->token, user,
                            session->expires_s);
    }
    if (status != STATUS_OK) {
        db_rollback(transaction);
        return status;
    }
    return db_commit(transaction);
}

static void post_session(struct request *request, struct response *response)
{
    struct credentials given = {0};
    struct session session = {0};
    if (!validate_body(request, response, credential_fields, COUNT_OF(credential_fields), &given)) {
        return;
    }
    enum status status = check_password(request, given.user, given.password);
    if (status == STATUS_REFUSED || status == STATUS_NOT_FOUND) {
        response_error(response, 401, "wrong_credentials", "unknown user or wrong password");
        return;
    }
    if (status == STATUS_OK) {
        status = begin_session(request, given.user, &session);
    }
    if (status != STATUS_OK) {
        response_trouble(response, "auth_failed", status);
        return;
    }
    remember(request->work.parts->own, &session);
    response_json(response, 200,
                  json_pack("{s:s, s:I}", "token", session.token, "expires_s", session.expires_s));
}

static const struct db_query select_session = {
    "SELECT sessions",
    "SELECT user, expires_s FROM sessions WHERE token = ?",
};

/* A session that memory does not hold: after a restart, or one of very many. */
static enum status load_session(struct request *request, const char *token, struct session *session)
{
    struct db_rows *rows = NULL;
    enum status status = db_select(&request->work, &select_session, &rows, "s", token);
    bool found = status == STATUS_OK && db_next(rows);
    if (found) {
        text_copy(text_of(token), session->token, sizeof session->token);
        text_copy(text_of(db_text(rows, 0)), session->user, sizeof session->user);
        session->expires_s = db_i64(rows, 1);
    }
    enum status done = db_done(rows);
    status = status == STATUS_OK ? done : status;
    if (status == STATUS_OK && found) {
        remember(request->work.parts->own, session);
    }
    return status == STATUS_OK && !found ? STATUS_NOT_FOUND : status;
}

/* The token of `Authorization: Bearer TOKEN`, or NULL. */
static const char *bearer(const struct request *request)
{
    const char *value = request_header(request, "Authorization");
    if (!value || strncasecmp(value, "Bearer ", 7) != 0 || strlen(value + 7) != TOKEN_LENGTH ||
        !validate_is_key(value + 7, TOKEN_LENGTH)) {
        return NULL;
    }
    return value + 7;
}

static void post_verify(struct request *request, struct response *response)
{
    struct session session = {0};
    const char *token = bearer(request);
    enum status status = token ? STATUS_OK : STATUS_NOT_FOUND;
    if (token && !recall(request->work.parts->own, token, &session)) {
        status = load_session(request, token, &session);
    }
    if (status == STATUS_OK && session.expires_s <= now_s()) {
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_NOT_FOUND) {
        response_error(response, 401, "not_logged_in", "no valid session: log in first");
    } else if (status != STATUS_OK) {
        response_trouble(response, "auth_failed", status);
    } else {
        response_json(response, 200, json_pack("{s:s}", "user_id", session.user));
    }
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/users", .handle = post_user},
    {.method = "POST", .path = "/sessions", .handle = post_session},
    {.method = "POST", .path = "/sessions/verify", .handle = post_verify},
};

/* ---- start and stop */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS users(user TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sessions(token TEXT PRIMARY KEY, user TEXT NOT NULL,"
    " expires_s INTEGER NOT NULL) WITHOUT ROWID;";

/* user-1 to user-16, so that a load can begin without a hash a user. */
static const char seed[] =
    "DELETE FROM sessions WHERE expires_s <= unixepoch();"
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 16)"
    " INSERT OR IGNORE INTO users SELECT 'user-' || i, '" DEMO_HASH "' FROM n;";

static enum status start(struct service_parts *parts, struct error *error)
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for sessions");
    }
    sem_init(&auth->hashing, 0, HASHES_AT_ONCE);
    named_lock_init(&auth->lock, "auth sessions");
    map_init(&auth->places, SESSIONS_KEPT);
    parts->own = auth;
    return db_script(parts->db, seed, error);
}

static void stop(struct service_parts *parts)
{
    struct auth *auth = parts->own;
    if (auth) {
        map_release(&auth->places);
        named_lock_release(&auth->lock);
        sem_destroy(&auth->hashing);
        free(auth);
        parts->own = NULL;
    }
}

int main(int argc, char **argv)
{
    return service_main(&(struct service){.name = "auth",
                                          .routes = routes,
                                          .route_count = COUNT_OF(routes),
                                          .schema = schema,
                                          .start = start,
                                          .stop = stop},
                        argc, argv);
}

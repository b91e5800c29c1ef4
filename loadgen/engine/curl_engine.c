#include "loadgen/engine/curl_engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "loadgen/engine/curl_transfer.h"
#include "loadgen/engine/request_list.h"

enum { EVENTS_MAX = 256 };

/* Between these, a second request on such a connection fails (curl#10634). */
enum { CLEAR_HTTP2_BROKEN = 0x075800, CLEAR_HTTP2_MENDED = 0x080000 };

struct curl_engine {
    struct curl_engine_config config;
    CURLM *multi;
    int epoll_fd;
    unsigned long slack_before_ns;
    uint64_t timer_ns; /* when libcurl wants to be called; UINT64_MAX: not */
    struct request_list waiting, failed;
    struct curl_transfer *transfers, *free_transfers;
    size_t in_flight;
    uint64_t connects;
    struct epoll_event events[EVENTS_MAX];
};

/* ---- what libcurl calls */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct curl_engine *engine = context;
    (void)easy;
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(engine->multi, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    int action = socket_context != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    (void)epoll_ctl(engine->epoll_fd, action, fd, &event);
    curl_multi_assign(engine->multi, fd, engine);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct curl_engine *engine = context;
    (void)multi;
    engine->timer_ns =
        timeout_ms < 0 ? UINT64_MAX : clock_mono_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    return 0;
}

/* ---- life */

static void init_libcurl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool open_multi(struct curl_engine *engine)
{
    engine->multi = curl_multi_init();
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (engine->multi == NULL || engine->epoll_fd < 0)
        return false;
    long most = (long)engine->config.engine.connection_limit;
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, most);
    curl_multi_setopt(engine->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
    return true;
}

static enum status check(const struct curl_engine_config *config, struct error *error)
{
    const struct engine_config *engine = &config->engine;
    if (engine->connection_limit < 1 || engine->connection_limit > ENGINE_CONNECTIONS_MAX ||
        engine->queue_max < 1 || engine->request_timeout_ns == 0 || engine->connect_timeout_ns == 0)
        return error_set(error, STATUS_INVALID, "load engine: a limit or time-out is out of range");
    if (config->http2 && !(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        return error_set(error, STATUS_UNSUPPORTED, "load engine: this libcurl has no HTTP/2");
    unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
    bool is_clear = strncmp(config->target, "http://", 7) == 0;
    if (config->http2 && is_clear && version >= CLEAR_HTTP2_BROKEN && version < CLEAR_HTTP2_MENDED)
        return error_set(error, STATUS_UNSUPPORTED,
                         "load engine: libcurl 7.88 cannot keep an HTTP/2 connection in the clear; "
                         "over https it can");
    return STATUS_OK;
}

enum status curl_engine_new(const struct curl_engine_config *config, struct curl_engine **out,
                            struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    pthread_once(&once, init_libcurl);
    enum status status = check(config, error);
    if (status != STATUS_OK)
        return status;
    struct curl_engine *engine = calloc(1, sizeof(*engine));
    size_t count = config->engine.connection_limit;
    struct curl_transfer *transfers = calloc(count, sizeof(*transfers));
    if (engine == NULL || transfers == NULL) {
        free(engine);
        free(transfers);
        return error_set(error, STATUS_NO_MEMORY, "load engine: out of memory");
    }
    *engine = (struct curl_engine){
        .config = *config, .transfers = transfers, .epoll_fd = -1, .timer_ns = UINT64_MAX};
    for (size_t i = 0; i < count; i++) {
        curl_transfer_init(&transfers[i], &engine->config);
        transfers[i].next_free = engine->free_transfers;
        engine->free_transfers = &transfers[i];
    }
    int slack = prctl(PR_GET_TIMERSLACK);
    engine->slack_before_ns = slack > 0 ? (unsigned long)slack : 0;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    if (!open_multi(engine)) {
        curl_engine_free(engine);
        return error_set(error, STATUS_IO, "load engine: no libcurl or no epoll");
    }
    *out = engine;
    return STATUS_OK;
}

void curl_engine_free(struct curl_engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->config.engine.connection_limit; i++) {
        struct curl_transfer *transfer = &engine->transfers[i];
        if (transfer->request != NULL)
            curl_multi_remove_handle(engine->multi, transfer->easy);
        curl_transfer_release(transfer);
    }
    if (engine->multi != NULL)
        curl_multi_cleanup(engine->multi); /* closes sockets, and says so to on_socket */
    if (engine->epoll_fd >= 0)
        close(engine->epoll_fd);
    (void)prctl(PR_SET_TIMERSLACK, engine->slack_before_ns);
    free(engine->transfers);
    free(engine);
}

struct engine_counts curl_engine_counts(const struct curl_engine *engine)
{
    return (struct engine_counts){.waiting = engine->waiting.count,
                                  .in_flight = engine->in_flight,
                                  .connections = engine->in_flight,
                                  .connects = engine->connects};
}

/* ---- beginning a request */

static void fail(struct curl_engine *engine, struct engine_request *request, enum status outcome)
{
    request->outcome = outcome;
    request->done_ns = clock_mono_ns();
    request_list_append(&engine->failed, request);
}

static void begin(struct curl_engine *engine, struct engine_request *request)
{
    struct curl_transfer *transfer = engine->free_transfers;
    enum status status = curl_transfer_begin(transfer, request);
    if (status == STATUS_OK && curl_multi_add_handle(engine->multi, transfer->easy) != CURLM_OK)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        transfer->request = NULL;
        request->sent_ns = 0;
        fail(engine, request, status);
        return;
    }
    engine->free_transfers = transfer->next_free;
    engine->in_flight++;
}

/* ---- how requests end */

static void finish(struct curl_engine *engine, struct curl_transfer *transfer, enum status outcome)
{
    struct engine_request *request = transfer->request;
    engine->connects += curl_transfer_end(transfer, outcome);
    curl_multi_remove_handle(engine->multi, transfer->easy);
    engine->in_flight--;
    transfer->request = NULL;
    request->ended(request, (struct text){buffer_text(&transfer->body),
                                          outcome == STATUS_OK ? transfer->body.length_bytes : 0});
    transfer->next_free = engine->free_transfers;
    engine->free_transfers = transfer;
}

static void read_messages(struct curl_engine *engine)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(engine->multi, &left)) != NULL;) {
        struct curl_transfer *transfer = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* gone when the handle is removed */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(engine, transfer, curl_transfer_outcome(transfer, code));
    }
}

static void tell_failed(struct curl_engine *engine)
{
    for (size_t left = engine->failed.count; left > 0; left--) {
        struct engine_request *request = request_list_pop(&engine->failed);
        request->ended(request, (struct text){0});
    }
}

/* ---- the loop */

enum status curl_engine_submit(struct curl_engine *engine, struct engine_request *request)
{
    if (engine->waiting.count >= engine->config.engine.queue_max)
        return STATUS_BUSY;
    request->outcome = STATUS_OK;
    request->http_status = 0;
    request->connect_ns = request->sent_ns = request->first_byte_ns = request->done_ns = 0;
    request->sent_bytes = request->received_bytes = 0;
    request->head = (struct text){0};
    request->submitted_ns = clock_mono_ns();
    request_list_append(&engine->waiting, request);
    return STATUS_OK;
}

static void dispatch(struct curl_engine *engine)
{
    while (engine->waiting.count > 0 && engine->free_transfers != NULL)
        begin(engine, request_list_pop(&engine->waiting));
}

/* Those that wait for a free transfer for too long; when the next one will. */
static uint64_t expire_waiting(struct curl_engine *engine)
{
    uint64_t now_ns = clock_mono_ns(), timeout_ns = engine->config.engine.request_timeout_ns;
    while (engine->waiting.first != NULL &&
           engine->waiting.first->submitted_ns + timeout_ns <= now_ns)
        fail(engine, request_list_pop(&engine->waiting), STATUS_BUSY);
    return engine->waiting.first != NULL ? engine->waiting.first->submitted_ns + timeout_ns
                                         : UINT64_MAX;
}

static int wait_for_events(struct curl_engine *engine, uint64_t until_ns)
{
    uint64_t now_ns = clock_mono_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    const struct timespec timeout = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                     .tv_nsec = (long)(left_ns % NS_PER_S)};
    int count = epoll_pwait2(engine->epoll_fd, engine->events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM))
        return epoll_wait(engine->epoll_fd, engine->events, EVENTS_MAX,
                          clock_remaining_ms(until_ns));
    return count;
}

static void act(struct curl_engine *engine, curl_socket_t fd, int what)
{
    int running;
    (void)curl_multi_socket_action(engine->multi, fd, what, &running);
    read_messages(engine);
    dispatch(engine);
}

enum status curl_engine_poll(struct curl_engine *engine, uint64_t until_ns)
{
    dispatch(engine);
    tell_failed(engine);
    dispatch(engine);
    uint64_t wake_ns = expire_waiting(engine);
    wake_ns = engine->timer_ns < wake_ns ? engine->timer_ns : wake_ns;
    wake_ns = engine->failed.count > 0 ? 0 : wake_ns;
    int count = wait_for_events(engine, wake_ns < until_ns ? wake_ns : until_ns);
    if (count < 0 && errno != EINTR)
        return STATUS_IO;
    for (int i = 0; i < count; i++) {
        uint32_t events = engine->events[i].events;
        int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        act(engine, engine->events[i].data.fd, what);
    }
    if (engine->timer_ns <= clock_mono_ns()) {
        engine->timer_ns = UINT64_MAX;
        act(engine, CURL_SOCKET_TIMEOUT, 0);
    }
    (void)expire_waiting(engine);
    tell_failed(engine);
    return STATUS_OK;
}

void curl_engine_abandon(struct curl_engine *engine)
{
    while (engine->waiting.count + engine->failed.count + engine->in_flight > 0) {
        while (engine->waiting.count > 0)
            fail(engine, request_list_pop(&engine->waiting), STATUS_INTERRUPTED);
        tell_failed(engine);
        for (size_t i = 0; i < engine->config.engine.connection_limit; i++)
            if (engine->transfers[i].request != NULL)
                finish(engine, &engine->transfers[i], STATUS_INTERRUPTED);
    }
}

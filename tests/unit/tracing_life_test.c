/* Programs that end, are ended or fork while spans are queued or on their way. Each row runs this
 * program again in a role; the receiver stays here. */
#include "rows.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "trace_sink.h"

/* ThreadSanitizer ends a fork's child that starts a thread, AddressSanitizer's allocator stays
 * locked in a child whose parent had another thread in it. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { CHILDREN_MAY_ALLOCATE = 0 };
#else
enum { CHILDREN_MAY_ALLOCATE = 1 };
#endif

static const struct tracer tracer = {.name = "life-test"};
static struct sink sink;

static void end_spans(const char *name, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        span_end(span_start(&tracer, name, NULL));
}

/* ---- roles; each returns what the process ends with */

static int just_end(void)
{
    end_spans("parent", 100);
    return 0;
}

static int end_by_exit(void)
{
    end_spans("parent", 100);
    exit(0);
}

static void *end_and_idle(void *barrier)
{
    end_spans("parent", 25);
    pthread_barrier_wait(barrier);
    pause();
    return NULL;
}

static int end_with_threads_about(void)
{
    static pthread_barrier_t barrier;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 5);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, end_and_idle, &barrier) != 0 ||
            pthread_detach(thread) != 0)
            return 1;
    pthread_barrier_wait(&barrier);
    return 0;
}

/* As the specification wants it: no handler of the library's; the program waits for the signal on
 * a thread and ends. */
static int end_on_a_signal(void)
{
    sigset_t term;
    int number;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    end_spans("parent", 100);
    kill(getpid(), SIGTERM);
    return sigwait(&term, &number) == 0 && number == SIGTERM ? 0 : 1;
}

static int shut_down_and_end(void)
{
    end_spans("parent", 100);
    return tracing_shutdown(sink_soon()) == STATUS_OK ? 0 : 1;
}

static int wait_for(pid_t child)
{
    int code = -1;
    return waitpid(child, &code, 0) == child && WIFEXITED(code) ? WEXITSTATUS(code) : 1;
}

/* The child's end is not the parent's: what was queued is sent once. */
static int fork_a_child_that_ends(void)
{
    end_spans("parent", 100);
    pid_t child = fork();
    if (child == 0) {
        end_spans("child", 10); /* tracing is off here */
        exit(0);
    }
    return wait_for(child);
}

static uint16_t port;

static void trace(void (*change)(struct tracing_config *))
{
    struct sink there = {.port = port};
    sink_trace(&there, change);
}

static int fork_a_child_that_traces(void)
{
    end_spans("parent", 100);
    pid_t child = fork();
    if (child == 0) {
        trace(NULL);
        end_spans("child", 10);
        exit(0);
    }
    return wait_for(child);
}

/* The first batch is refused for a second: the exporter's thread is within an export. */
static int fork_while_exporting(void)
{
    uint64_t deadline_ns = sink_soon();
    end_spans("parent", 600);
    while (tracing_stats().export_requests == 0 && clock_mono_ns() < deadline_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    int code = fork_a_child_that_traces();
    return code != 0 || tracing_stats().ended != 700 ? 1 : 0;
}

static void *end_on_and_on(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        end_spans("busy", 20);
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    }
    return NULL;
}

/* Forks while two threads end spans and the exporter sends them. */
static int fork_again_and_again(void)
{
    static atomic_bool stop;
    pthread_t threads[2];
    int code = 0;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, end_on_and_on, &stop) != 0)
            return 1;
    for (int i = 0; i < 50 && code == 0; i++) {
        pid_t child = fork();
        if (child == 0) {
            end_spans("child", 3);
            _exit(tracing_stats().queued == 0 ? 0 : 3);
        }
        code = wait_for(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    end_spans("parent", 100);
    if (tracing_shutdown(sink_soon()) != STATUS_OK)
        return 4;
    struct tracing_stats stats = tracing_stats();
    return code != 0                       ? code
           : stats.exported == stats.ended ? 0
           : stats.dropped_queue_full > 0  ? 5
                                           : 6;
}

struct row {
    const char *it;
    const char *role;
    int (*run)(void);
    const char *answers[2];
    unsigned parents, children; /* spans that arrive */
    bool child_allocates;
};

#define LATER "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
#define LAST  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static const struct row rows[] = {
    {"it sends what is queued when main returns", "return", just_end, {SINK_OK}, 100, 0, false},
    {"it sends what is queued at exit", "exit", end_by_exit, {SINK_OK}, 100, 0, false},
    {"it sends what threads that are still there have ended",
     "threads",
     end_with_threads_about,
     {SINK_OK},
     100,
     0,
     false},
    {"it sends what is queued when a signal ends the program",
     "signal",
     end_on_a_signal,
     {SINK_OK},
     100,
     0,
     false},
    {"it sends nothing twice after a shutdown",
     "shutdown",
     shut_down_and_end,
     {SINK_OK},
     100,
     0,
     false},
    {"it ends though nobody answers", "silence", just_end, {""}, 0, 0, false},
    {"it sends nothing of its parent's in a child",
     "fork",
     fork_a_child_that_ends,
     {LAST},
     100,
     0,
     true},
    {"it sends a child's own spans", "fork-trace", fork_a_child_that_traces, {LAST}, 100, 10, true},
    {"it goes on in both when forked while it exports",
     "fork-export",
     fork_while_exporting,
     {LATER, LAST},
     700,
     10,
     true},
    {"it loses nothing over many forks", "forks", fork_again_and_again, {SINK_OK}, 100, 0, false},
};

static bool count_names(const struct sink_span *span, void *into)
{
    unsigned *counts = into;
    counts[0] += text_is(span->name, "parent");
    counts[1] += text_is(span->name, "child");
    return true;
}

static pid_t start(const char *role)
{
    char number[16];
    snprintf(number, sizeof number, "%u", sink.port);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "tracing_life_test", role, number, (char *)NULL);
        _exit(126);
    }
    return child;
}

static void lives(void **state)
{
    const struct row *row = *state;
    unsigned counts[2] = {0};
    if (row->child_allocates && !CHILDREN_MAY_ALLOCATE)
        skip();
    sink_start(&sink, row->answers, row->answers[1] ? 2 : 1);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(wait_for(start(row->role)), 0);
    assert_true(clock_mono_ns() - before_ns < 60 * NS_PER_S);
    sink_visit(&sink, count_names, counts);
    assert_int_equal(counts[0], row->parents);
    assert_int_equal(counts[1], row->children);
    sink_stop(&sink);
}

static void many_places(struct tracing_config *config)
{
    config->batch.queue_count = 1 << 15;
    config->batch.delay_ms = 20;
}

static int play(const char *role, const char *number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].role, role) != 0)
            continue;
        port = (uint16_t)strtoul(number, NULL, 10);
        trace(strcmp(role, "forks") == 0 ? many_places : NULL);
        return rows[i].run();
    }
    return 127;
}

int main(int argc, char **argv)
{
    static struct rows all;
    if (argc == 3)
        return play(argv[1], argv[2]);
    ROWS(&all, rows, lives);
    return rows_run("tracing_life", &all);
}

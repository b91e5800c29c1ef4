// One row of the tracing bench with the OpenTelemetry SDK for Go: the same loops, the same
// figures and the same line of JSON as tests/bench/trace_row.c, whose workload it reads.
//
//	tracing -workload FILE MODE THREADS RATE URL
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/sys/unix"
)

type workload struct {
	Span          string            `json:"span"`
	Texts         map[string]string `json:"texts"`
	NumberKey     string            `json:"number_key"`
	Number        int               `json:"number"`
	SpanNumberKey string            `json:"span_number_key"`
	Event         string            `json:"event"`
	BurstSpans    int               `json:"burst_spans"`
	Bursts        int               `json:"bursts"`
	WarmUpBursts  int               `json:"warm_up_bursts"`
	LoopSpans     int               `json:"loop_spans"`
	Loops         int               `json:"loops"`
	Sustained     int               `json:"sustained_spans"`
	PacedMs       int               `json:"paced_ms"`
	FlushMs       int               `json:"flush_ms"`
	textKeys      []string
}

type row struct {
	workload
	recording, sustained, disabled bool
	threads, rate                  int
	spansARound                    int
	rounds, warmUp                 int
	tick                           time.Duration
}

type worker struct {
	row           *row
	number        int
	tracer        trace.Tracer
	cpuNs, wallNs []float64
	cpuTotalNs    int64
}

func clockNs(id int32) int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(id, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}

func threadCPU() int64  { return clockNs(unix.CLOCK_THREAD_CPUTIME_ID) }
func processCPU() int64 { return clockNs(unix.CLOCK_PROCESS_CPUTIME_ID) }

// As the SDK's documents write it: attributes in one call.
func (w *worker) oneSpan(number int) {
	l := &w.row.workload
	_, span := w.tracer.Start(context.Background(), l.Span,
		trace.WithSpanKind(trace.SpanKindServer))
	span.SetAttributes(
		attribute.String(l.textKeys[0], l.Texts[l.textKeys[0]]),
		attribute.String(l.textKeys[1], l.Texts[l.textKeys[1]]),
		attribute.Int(l.NumberKey, l.Number),
		attribute.Int(l.SpanNumberKey, number))
	span.AddEvent(l.Event)
	span.End()
}

// ---- rounds

type meeting struct {
	atStart atomic.Int64
	atEnd   atomic.Int64
}

// Waits until `all` have come, awake: a sleeper would start late.
func meet(count *atomic.Int64, all int64) {
	count.Add(1)
	for count.Load() < all {
		runtime.Gosched()
	}
}

func (w *worker) burst(round int, m *meeting) {
	r := w.row
	all := int64(r.threads * (round + 1))
	if r.threads > 1 {
		meet(&m.atStart, all)
	}
	cpu, began := threadCPU(), time.Now()
	for i := 0; i < r.spansARound; i++ {
		w.oneSpan(i)
	}
	wall, cpuTaken := time.Since(began), threadCPU()-cpu
	if kept := round - r.warmUp; kept >= 0 {
		w.cpuNs = append(w.cpuNs, float64(cpuTaken)/float64(r.spansARound))
		w.wallNs = append(w.wallNs, float64(wall.Nanoseconds())/float64(r.spansARound))
	}
	if r.threads > 1 {
		meet(&m.atEnd, all)
	}
}

func (w *worker) onTick(due time.Time, clockCost int64) {
	time.Sleep(time.Until(due))
	began := time.Now()
	for i := 0; i < w.row.spansARound; i++ {
		w.oneSpan(i)
	}
	taken := max(0, time.Since(began).Nanoseconds()-clockCost)
	each := float64(taken) / float64(w.row.spansARound)
	w.cpuNs = append(w.cpuNs, each)
	w.wallNs = append(w.wallNs, each)
}

// The processor blocks where its queue is full.
func (w *worker) sustained() {
	began := time.Now()
	for i := 0; i < w.row.spansARound; i++ {
		w.oneSpan(i % w.row.BurstSpans)
	}
	each := float64(time.Since(began).Nanoseconds()) / float64(w.row.spansARound)
	w.cpuNs, w.wallNs = append(w.cpuNs, each), append(w.wallNs, each)
}

func (w *worker) allRounds(m *meeting, flush func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := w.row
	w.cpuNs, w.wallNs = w.cpuNs[:0], w.wallNs[:0]
	began, cost := threadCPU(), clockCost()
	due := time.Now().Add(5 * time.Millisecond)
	if r.sustained {
		w.sustained()
		w.cpuTotalNs = threadCPU() - began
		return
	}
	for round := 0; round < r.warmUp+r.rounds; round++ {
		if r.tick != 0 {
			due = due.Add(r.tick)
			w.onTick(due, cost)
			continue
		}
		w.burst(round, m)
		if w.number == 0 {
			flush()
		}
	}
	w.cpuTotalNs = threadCPU() - began
}

func clockCost() int64 {
	costs := make([]float64, 101)
	for i := range costs {
		costs[i] = float64(time.Since(time.Now()).Nanoseconds())
	}
	return int64(median(costs))
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// ---- a phase

type phase struct {
	ns, wallNs         float64
	ownNs, othersNs    int64
	mallocs, heapBytes uint64
	rssAnonKib         int64
	spans              int
}

func rssAnonKib() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, "RssAnon:"); found {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib
		}
	}
	return 0
}

func runPhase(workers []*worker, tracer trace.Tracer, flush func()) phase {
	var p phase
	var m meeting
	var done sync.WaitGroup
	var before, after runtime.MemStats
	r := workers[0].row
	for _, w := range workers {
		w.tracer = tracer
		w.cpuNs = make([]float64, 0, r.rounds)
		w.wallNs = make([]float64, 0, r.rounds)
	}
	runtime.ReadMemStats(&before)
	cpu := processCPU()
	for _, w := range workers {
		done.Go(func() { w.allRounds(&m, flush) })
	}
	done.Wait()
	flush()
	p.othersNs = processCPU() - cpu
	runtime.ReadMemStats(&after)
	p.mallocs = after.Mallocs - before.Mallocs
	p.heapBytes = after.TotalAlloc - before.TotalAlloc
	p.rssAnonKib = rssAnonKib()
	var cpuNs, wallNs []float64
	for _, w := range workers {
		cpuNs = append(cpuNs, w.cpuNs...)
		wallNs = append(wallNs, w.wallNs...)
		p.ownNs += w.cpuTotalNs
	}
	p.othersNs -= p.ownNs
	p.ns, p.wallNs = median(cpuNs), median(wallNs)
	p.spans = (r.rounds + r.warmUp) * r.spansARound * r.threads
	return p
}

// ---- a row

func provider(r *row, url string) (*sdktrace.TracerProvider, error) {
	sampler := sdktrace.NeverSample()
	if r.recording {
		sampler = sdktrace.AlwaysSample()
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(url))
	if err != nil {
		return nil, err
	}
	var options []sdktrace.BatchSpanProcessorOption
	if r.sustained {
		options = append(options, sdktrace.WithBlocking())
	}
	about := resource.NewSchemaless(attribute.String("service.name", "bench"))
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, options...),
		sdktrace.WithSampler(sdktrace.ParentBased(sampler)),
		sdktrace.WithResource(about)), nil
}

func (r *row) plan() {
	switch {
	case r.sustained:
		r.spansARound, r.rounds = r.Sustained/r.threads, 1
	case r.rate == 0 && r.recording:
		r.spansARound, r.rounds, r.warmUp = r.BurstSpans/r.threads, r.Bursts, r.WarmUpBursts
	case r.rate == 0:
		r.spansARound, r.rounds = r.LoopSpans, r.Loops
	default:
		r.spansARound = max(1, r.rate/1000/r.threads)
		r.tick = time.Duration(r.spansARound*r.threads) * time.Second / time.Duration(r.rate)
		r.rounds = int(time.Duration(r.PacedMs) * time.Millisecond / r.tick)
	}
}

func (r *row) report(before, with phase) {
	spans := float64(with.spans)
	own := with.ns
	if r.sustained {
		own = float64(with.ownNs) / spans
	}
	out := map[string]any{
		"ns": with.ns, "wall_ns": with.wallNs, "before_ns": before.ns,
		"process_ns":   own + float64(max(0, with.othersNs-before.othersNs))/spans,
		"mallocs":      float64(with.mallocs) / spans,
		"heap_bytes":   float64(with.heapBytes) / spans,
		"rss_anon_kib": with.rssAnonKib - before.rssAnonKib,
		"made":         with.spans,
		"ended":        0,
	}
	if r.recording {
		out["ended"] = with.spans
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

func run(r *row, url string) error {
	workers := make([]*worker, r.threads)
	for i := range workers {
		workers[i] = &worker{row: r, number: i}
	}
	var tracer trace.Tracer = noop.NewTracerProvider().Tracer("bench")
	before := runPhase(workers, tracer, func() {})
	flush := func() {}
	if !r.disabled {
		tp, err := provider(r, url)
		if err != nil {
			return err
		}
		limit := time.Duration(r.FlushMs) * time.Millisecond
		tracer = tp.Tracer("bench", trace.WithInstrumentationVersion("1"))
		if r.recording {
			flush = func() {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				if err := tp.ForceFlush(ctx); err != nil {
					fmt.Fprintln(os.Stderr, "a flush failed:", err)
				}
			}
		}
		defer func() { _ = tp.Shutdown(context.Background()) }()
	}
	r.report(before, runPhase(workers, tracer, flush))
	return nil
}

func main() {
	var r row
	file := flag.String("workload", "", "what `trace_row workload` printed")
	flag.Parse()
	text, err := os.ReadFile(*file)
	if err == nil {
		err = json.Unmarshal(text, &r.workload)
	}
	if err == nil && flag.NArg() != 4 {
		err = fmt.Errorf("usage: tracing -workload FILE MODE THREADS RATE URL")
	}
	if err == nil {
		for key := range r.Texts {
			r.textKeys = append(r.textKeys, key)
		}
		sort.Strings(r.textKeys)
		r.sustained, r.disabled = flag.Arg(0) == "sustained", flag.Arg(0) == "disabled"
		r.recording = r.sustained || flag.Arg(0) == "recording"
		r.threads, _ = strconv.Atoi(flag.Arg(1))
		r.rate, _ = strconv.Atoi(flag.Arg(2))
		r.plan()
		err = run(&r, flag.Arg(3))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracing:", err)
		os.Exit(1)
	}
}

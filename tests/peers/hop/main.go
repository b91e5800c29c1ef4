// A service in Go with the OpenTelemetry SDK, to be put between two of ours: it passes requests on
// and traces them as otelhttp does. Each operand is a detour, LISTEN=TARGET: what comes to LISTEN
// goes to TARGET. Nothing of the trace context passes it by itself: the headers are taken off, and
// only the SDK's propagators write them anew.
//
// Environment: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_SCHEDULE_DELAY, and
// OTEL_PROPAGATORS (tracecontext, baggage, b3, b3multi). Its spans tell what arrived: attributes
// "saw.baggage" and "saw.tracestate". Prints "ready"; ends when its standard input does.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var propagators = map[string]propagation.TextMapPropagator{
	"tracecontext": propagation.TraceContext{},
	"baggage":      propagation.Baggage{},
	"b3":           b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)),
	"b3multi":      b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)),
}

// Everything that any propagator writes.
var contextHeaders = []string{"traceparent", "tracestate", "baggage", "b3", "x-b3-traceid",
	"x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"}

func chosen() (propagation.TextMapPropagator, error) {
	names := os.Getenv("OTEL_PROPAGATORS")
	if names == "" {
		names = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for _, name := range strings.Split(names, ",") {
		one, found := propagators[strings.TrimSpace(name)]
		if !found {
			return nil, fmt.Errorf("OTEL_PROPAGATORS: %q is not known", name)
		}
		all = append(all, one)
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}

func detour(target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			for _, name := range contextHeaders {
				r.Out.Header.Del(name)
			}
		},
		Transport: otelhttp.NewTransport(http.DefaultTransport),
	}
	tell := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		span := trace.SpanFromContext(r.Context())
		span.SetAttributes(
			attribute.String("saw.baggage", baggage.FromContext(r.Context()).String()),
			attribute.String("saw.tracestate", span.SpanContext().TraceState().String()))
		proxy.ServeHTTP(w, r)
	})
	return otelhttp.NewHandler(tell, "hop")
}

func serve(operand string) error {
	listen, target, found := strings.Cut(operand, "=")
	if !found {
		return fmt.Errorf("%q is not LISTEN=TARGET", operand)
	}
	to, err := url.Parse("http://" + target)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: detour(to), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return nil
}

func run(operands []string) error {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	propagator, err := chosen()
	if err != nil {
		return err
	}
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagator)
	for _, operand := range operands {
		if err := serve(operand); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return provider.Shutdown(ctx)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hop:", err)
		os.Exit(1)
	}
}

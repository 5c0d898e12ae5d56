package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.journal.Journal;
import dev.spandrel.sidecar.journal.JournalException;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpShape;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.transform.Transform;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;

/**
 * What both receivers do with a body: check its shape, rewrite it where asked, keep it, count it. The future of {@link #accept} completes when
 * the sender may be told yes. Called by any thread; never blocks.
 */
public final class Intake {
    /** Sees every kept request; must not block and must not change the body. */
    public interface Tap {
        void kept(Signal signal, byte[] body);
    }

    private final Map<Signal, Journal> journals;
    private final Transform transform;
    private final Tap tap;
    private final Map<String, LongAdder> accepted = new HashMap<>();
    private final Map<String, LongAdder> refused = new HashMap<>();
    private final Map<OtlpError.Kind, LongAdder> refusals = new EnumMap<>(OtlpError.Kind.class);

    /** Wires the door to the journals, one for every signal. */
    public Intake(Map<Signal, Journal> journals, Transform transform, Tap tap, MetricRegistry metrics) {
        this.journals = Map.copyOf(journals);
        this.transform = transform;
        this.tap = tap;
        for (Signal signal : Signal.values()) {
            for (String transport : new String[] {"grpc", "http"}) {
                String key = transport + signal;
                accepted.put(key, receiverCounter(metrics, "accepted", signal, transport));
                refused.put(key, receiverCounter(metrics, "refused", signal, transport));
            }
        }
        for (OtlpError.Kind kind : OtlpError.Kind.values()) {
            refusals.put(
                    kind,
                    metrics.counter(
                            "spandrel_sidecar_refused_requests",
                            "Requests answered with an error, by kind.",
                            "kind",
                            kind.name().toLowerCase(Locale.ROOT)));
        }
    }

    private static LongAdder receiverCounter(MetricRegistry metrics, String what, Signal signal, String transport) {
        return metrics.counter(
                "otelcol_receiver_" + what + "_" + signal.items(),
                "Items " + what + " by the receiver.",
                "receiver",
                "otlp",
                "transport",
                transport);
    }

    /**
     * Takes one encoded export request; fails with an {@link OtlpError}, which is counted here.
     *
     * @param transport {@code grpc} or {@code http}
     */
    public CompletableFuture<Void> accept(Signal signal, byte[] body, String transport) {
        int items;
        byte[] kept;
        try {
            items = OtlpShape.countItems(signal, body);
            kept = transform.apply(signal, body);
        } catch (MalformedTelemetryException e) {
            return CompletableFuture.failedFuture(refuse(new OtlpError(
                    OtlpError.Kind.MALFORMED, "not an export request of " + signal.word() + ": " + e.getMessage())));
        }
        if (body.length == 0) {
            return CompletableFuture.completedFuture(null);
        }
        Journal journal = journals.get(signal);
        if (kept.length > journal.largestBody()) {
            // No backend that takes everything would ever make room for it.
            refused.get(transport + signal).add(items);
            return CompletableFuture.failedFuture(
                    refuse(OtlpError.tooLargeToKeep(kept.length, signal.word(), journal.largestBody())));
        }
        return journal.append(kept, items).handle((_, failure) -> {
            if (failure != null) {
                refused.get(transport + signal).add(items);
                throw new CompletionException(refuse(translate(failure)));
            }
            accepted.get(transport + signal).add(items);
            tap.kept(signal, kept);
            return null;
        });
    }

    /** Counts a refusal and gives it back. */
    public OtlpError refuse(OtlpError error) {
        refusals.get(error.kind()).increment();
        return error;
    }

    private static OtlpError translate(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause instanceof JournalException full
                ? OtlpError.unavailable(full.getMessage(), full.retryDelay())
                : new OtlpError(OtlpError.Kind.INTERNAL, cause.toString());
    }

    /** The error inside the failure of {@link #accept}'s future. */
    static OtlpError error(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause instanceof OtlpError error ? error : new OtlpError(OtlpError.Kind.INTERNAL, cause.toString());
    }
}

package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Finds out which protocol a destination speaks ({@code protocol=auto}): the candidates in order, the first that is
 * answered for the data is remembered, and after a failure the search begins anew.
 */
final class ProtocolSelector implements Exporter {
    private static final System.Logger LOG = System.getLogger(ProtocolSelector.class.getName());

    /** An exporter and the word for what it speaks. */
    record Candidate(String protocol, Exporter exporter) {}

    private final List<Candidate> candidates;
    private final AtomicReference<Candidate> chosen = new AtomicReference<>();

    ProtocolSelector(List<Candidate> candidates) {
        this.candidates = List.copyOf(candidates);
    }

    @Override
    public SendResult send(EncodedRequest request) {
        Candidate known = chosen.get();
        if (known != null) {
            SendResult result = known.exporter().send(request);
            if (result instanceof SendResult.Retryable) {
                chosen.compareAndSet(known, null);
            }
            return result;
        }
        return search(request);
    }

    private SendResult search(EncodedRequest request) {
        SendResult last = new SendResult.Retryable("no protocol to try", Duration.ZERO, true, false);
        for (Candidate candidate : candidates) {
            last = candidate.exporter().send(request);
            if (speaks(last)) {
                chosen.set(candidate);
                LOG.log(Level.INFO, "the destination speaks {0}", candidate.protocol());
                return last;
            }
        }
        return last;
    }

    /** A wait that was asked for in the protocol's own words shows that it is spoken, so the others are not tried. */
    private static boolean speaks(SendResult result) {
        return !(result instanceof SendResult.Retryable retryable)
                || !retryable.atLeast().isZero();
    }

    /** What was found; empty while searching. */
    Optional<String> protocol() {
        return Optional.ofNullable(chosen.get()).map(Candidate::protocol);
    }

    @Override
    public void close() {
        candidates.forEach(candidate -> candidate.exporter().close());
    }
}

package dev.spandrel.server.openai;

import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the requests under way that do work, and refuses those beyond the limit with 429, before their body is read.
 * What probes and scrapers ask is neither counted nor refused, so a full server still says that it is well.
 */
public final class RequestLimit implements Filter {
    private final int most;
    private final AtomicInteger underWay = new AtomicInteger();

    /** @param most at once; at least 1 */
    public RequestLimit(int most) {
        if (most < 1) {
            throw new IllegalArgumentException("--max-concurrent-requests must be at least 1, found " + most);
        }
        this.most = most;
    }

    /** Requests under way. */
    int underWay() {
        return underWay.get();
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        if (ApiKeys.isOpen(request.path().path())) {
            chain.proceed();
            return;
        }
        try {
            if (underWay.incrementAndGet() > most) {
                throw new OpenAiException(OpenAiError.tooManyRequests(
                        "This server answers " + most + " requests at a time; try again in a moment."));
            }
            chain.proceed();
        } finally {
            underWay.decrementAndGet();
        }
    }
}

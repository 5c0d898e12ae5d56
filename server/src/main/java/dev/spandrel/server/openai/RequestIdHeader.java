package dev.spandrel.server.openai;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * Answers with an {@code X-Request-Id}, as vLLM does under {@code --enable-request-id-headers}: the client's own, or one
 * drawn here, which then is also the id in the body.
 */
public final class RequestIdHeader implements Filter {
    private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");

    /** What a client may have echoed; longer ones are refused where they are read. */
    private static final int MAX_LENGTH = 256;

    private final RandomGenerator random;

    public RequestIdHeader(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        String id = request.headers()
                .first(REQUEST_ID)
                .filter(given -> given.length() <= MAX_LENGTH)
                .orElseGet(this::fresh);
        response.header(REQUEST_ID, id);
        request.context().register(new GivenRequestId(id));
        chain.proceed();
    }

    private String fresh() {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}

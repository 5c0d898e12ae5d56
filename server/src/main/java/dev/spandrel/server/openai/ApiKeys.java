package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Lets in who brings one of the keys as {@code Authorization: Bearer …}. Keys are compared by digest and all of them, in
 * the same time whatever was sent. Probes, scrapers and the description of the API stay open, and so do preflights, which
 * can bring no key; all else is guarded, where vLLM leaves {@code /tokenize} and others open.
 */
public final class ApiKeys implements Filter {
    /** What anybody may ask. */
    private static final Set<String> OPEN =
            Set.of("/health", "/ping", "/load", "/version", "/metrics", "/openapi.json", "/docs");

    private static final String SCHEME = "Bearer ";
    /** As vLLM has it: a text, where every other error is an object. */
    private static final String BODY = "{\"error\":\"Unauthorized\"}";

    private final List<byte[]> digests;

    /** @param keys at least one */
    public ApiKeys(List<String> keys) {
        if (keys.isEmpty() || keys.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("an API key must not be blank");
        }
        digests = keys.stream().map(ApiKeys::digest).toList();
    }

    /** Whether a path needs no key. */
    public static boolean isOpen(String path) {
        return OPEN.contains(path);
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        if (isOpen(request.path().path())
                || request.prologue().method().equals(Method.OPTIONS)
                || brings(request.headers().first(HeaderNames.AUTHORIZATION))) {
            chain.proceed();
            return;
        }
        response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.status(Status.UNAUTHORIZED_401)
                .send(ErrorResponses.body(request, BODY.getBytes(StandardCharsets.UTF_8)));
    }

    private boolean brings(Optional<String> authorization) {
        String value = authorization.orElse("");
        boolean bearer = value.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        byte[] given = digest(bearer ? value.substring(SCHEME.length()).strip() : "");
        boolean known = false;
        for (byte[] digest : digests) {
            known |= MessageDigest.isEqual(digest, given);
        }
        return bearer && known;
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}

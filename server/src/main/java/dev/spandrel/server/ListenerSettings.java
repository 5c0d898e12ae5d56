package dev.spandrel.server;

import dev.spandrel.server.http.Cors;
import dev.spandrel.server.http.RootPath;
import dev.spandrel.server.http.TlsFiles;
import dev.spandrel.server.openai.RequestLog;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Who may connect, what a request may be, and what is written down of it.
 *
 * @param apiKeys any of them lets in; empty = everybody
 * @param tls empty = plain HTTP
 * @param tlsRefresh whether changed certificates are loaded again
 * @param cors what pages of other origins may do
 * @param maxBodyBytes largest request body
 * @param maxHeaderBytes largest head of a request
 * @param maxConcurrentRequests most requests under way
 * @param accessLog whether each request gets a line of JSON on stdout
 * @param accessLogLeftOut paths without such a line
 * @param requestLog what is written down of generations; empty = nothing
 * @param rootPath what a proxy in front adds to paths; empty for nothing
 * @param docs whether {@code /openapi.json} and {@code /docs} are there
 */
public record ListenerSettings(
        List<String> apiKeys,
        Optional<TlsFiles> tls,
        boolean tlsRefresh,
        Cors.Settings cors,
        long maxBodyBytes,
        int maxHeaderBytes,
        int maxConcurrentRequests,
        boolean accessLog,
        Set<String> accessLogLeftOut,
        Optional<RequestLog.Settings> requestLog,
        String rootPath,
        boolean docs) {
    /** Ten times the longest prompt of a million tokens at a byte each would be; more is a mistake or an attack. */
    static final long DEFAULT_MAX_BODY_BYTES = 10L * 1024 * 1024;

    /** A kilobyte of key, some cookies and tracing headers; also what Helidon takes by itself. */
    static final int DEFAULT_MAX_HEADER_BYTES = 16 * 1024;

    /** Twice what can wait or run by default, so that the queue's own answer comes first. */
    static final int DEFAULT_MAX_CONCURRENT_REQUESTS = 2304;

    /** What a server has that was told nothing. */
    public static final ListenerSettings DEFAULT = new ListenerSettings(
            List.of(),
            Optional.empty(),
            true,
            Cors.Settings.DEFAULT,
            DEFAULT_MAX_BODY_BYTES,
            DEFAULT_MAX_HEADER_BYTES,
            DEFAULT_MAX_CONCURRENT_REQUESTS,
            false,
            Set.of(),
            Optional.empty(),
            "",
            true);

    private static final int LEAST_HEADER_BYTES = 1024;

    public ListenerSettings {
        apiKeys = List.copyOf(apiKeys);
        accessLogLeftOut = Set.copyOf(accessLogLeftOut);
        if (apiKeys.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("--api-key must not be blank");
        }
        if (!rootPath.isEmpty()) {
            RootPath.check(rootPath);
        }
        if (maxBodyBytes < 1) {
            throw new IllegalArgumentException("--max-body-size must be at least 1, found " + maxBodyBytes);
        }
        if (maxHeaderBytes < LEAST_HEADER_BYTES) {
            throw new IllegalArgumentException(
                    "--max-header-size must be at least " + LEAST_HEADER_BYTES + ", found " + maxHeaderBytes);
        }
        if (maxConcurrentRequests < 1) {
            throw new IllegalArgumentException(
                    "--max-concurrent-requests must be at least 1, found " + maxConcurrentRequests);
        }
    }

    /** Keys are nobody's business, not even a log's. */
    @Override
    public String toString() {
        return "ListenerSettings[" + apiKeys.size() + " keys, tls=" + tls + ", maxBodyBytes=" + maxBodyBytes
                + ", maxHeaderBytes=" + maxHeaderBytes + ", maxConcurrentRequests=" + maxConcurrentRequests + "]";
    }
}

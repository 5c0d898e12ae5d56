package dev.spandrel.server.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Cross-origin requests of browsers (the Fetch standard's CORS protocol): answers preflights, which know no key and no
 * route, and marks answers. Without an {@code Origin} it does nothing.
 */
public final class Cors implements Filter {
    private static final String ALL = "*";
    private static final String PREFLIGHT_SECONDS = "600";
    /** What a page may read of an answer beyond the few that browsers always show. */
    private static final String EXPOSED = "X-Request-Id, Retry-After, traceresponse";

    private final Settings settings;

    /**
     * Who may ask for what.
     *
     * @param origins e.g. {@code https://chat.example.org}; {@code *} = all
     * @param methods {@code *} = all
     * @param headers {@code *} = all
     * @param credentials whether browsers may send cookies; keys in {@code Authorization} need no such leave
     */
    public record Settings(List<String> origins, List<String> methods, List<String> headers, boolean credentials) {
        /** vLLM's defaults. */
        public static final Settings DEFAULT = new Settings(List.of(ALL), List.of(ALL), List.of(ALL), false);

        public Settings {
            origins = List.copyOf(origins);
            methods = methods.stream()
                    .map(method -> method.toUpperCase(Locale.ROOT))
                    .toList();
            headers = List.copyOf(headers);
        }
    }

    public Cors(Settings settings) {
        this.settings = settings;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        Optional<String> origin = request.headers().first(HeaderNames.ORIGIN);
        if (origin.isEmpty()) {
            chain.proceed();
            return;
        }
        boolean allowed = allows(settings.origins(), origin.get());
        if (allowed) {
            mark(origin.get(), response);
        }
        Optional<String> method = request.headers().first(HeaderNames.ACCESS_CONTROL_REQUEST_METHOD);
        if (request.prologue().method().equals(Method.OPTIONS) && method.isPresent()) {
            preflight(request, response, allowed && allows(settings.methods(), method.get()));
        } else {
            response.header(HeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            chain.proceed();
        }
    }

    private void mark(String origin, RoutingResponse response) {
        boolean everyone = settings.origins().contains(ALL) && !settings.credentials();
        response.header(HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, everyone ? ALL : origin);
        if (!everyone) {
            response.header(HeaderNames.VARY, "Origin");
        }
        if (settings.credentials()) {
            response.header(HeaderNames.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }

    private void preflight(RoutingRequest request, RoutingResponse response, boolean allowed) {
        Set<String> asked = asked(request);
        boolean headersAllowed = asked.stream().allMatch(header -> allowsHeader(header));
        if (!allowed || !headersAllowed) {
            response.status(Status.BAD_REQUEST_400).send("Disallowed CORS request");
            return;
        }
        request.headers()
                .first(HeaderNames.ACCESS_CONTROL_REQUEST_METHOD)
                .ifPresent(method -> response.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, method));
        if (!asked.isEmpty()) {
            response.header(HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, String.join(", ", asked));
        }
        HeaderName maxAge = HeaderNames.ACCESS_CONTROL_MAX_AGE;
        response.header(maxAge, PREFLIGHT_SECONDS).status(Status.OK_200).send();
    }

    private static Set<String> asked(RoutingRequest request) {
        Set<String> asked = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        request.headers().first(HeaderNames.ACCESS_CONTROL_REQUEST_HEADERS).ifPresent(list -> {
            for (String header : list.split(",", -1)) {
                if (!header.isBlank()) {
                    asked.add(header.strip());
                }
            }
        });
        return asked;
    }

    private boolean allowsHeader(String header) {
        return settings.headers().contains(ALL)
                || settings.headers().stream().anyMatch(header::equalsIgnoreCase)
                // Never dangerous, says the standard, and vLLM's framework always allows them.
                || Set.of("accept", "accept-language", "content-language", "content-type")
                        .contains(header.toLowerCase(Locale.ROOT));
    }

    private static boolean allows(List<String> list, String value) {
        return list.contains(ALL) || list.contains(value);
    }
}

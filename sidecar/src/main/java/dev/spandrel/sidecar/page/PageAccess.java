package dev.spandrel.sidecar.page;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Who may see the page, and what a browser may do with it. Without a token only names of this machine are answered to, so
 * that no web page can reach it by a name of its own that resolves to 127.0.0.1. With one, it must come as
 * {@code ?token=}, once: a cookie that scripts cannot read carries it from then on.
 */
final class PageAccess {
    private static final String COOKIE = "spandrel-page";
    private static final Set<String> OWN_NAMES = Set.of("localhost", "127.0.0.1", "[::1]");

    /** Scripts, styles and data from here alone; no frame, no form, no plug-in; text cannot become markup. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
            + " require-trusted-types-for 'script'; trusted-types 'none'";

    private final Optional<String> token;

    PageAccess(Optional<String> token) {
        this.token = token;
    }

    void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        response.header(HeaderNames.create("Content-Security-Policy"), POLICY);
        response.header(HeaderNames.create("X-Content-Type-Options"), "nosniff");
        response.header(HeaderNames.create("Referrer-Policy"), "no-referrer");
        response.header(HeaderNames.create("Cross-Origin-Opener-Policy"), "same-origin");
        response.header(HeaderNames.create("Cross-Origin-Resource-Policy"), "same-origin");
        if (token.isEmpty() && !OWN_NAMES.contains(hostName(request))) {
            PageAnswers.error(
                    response,
                    403,
                    "this page answers to localhost, 127.0.0.1 and [::1] only; --trace-page-token lets other names in");
        } else if (token.isPresent() && !admitted(request, response, token.get())) {
            PageAnswers.error(response, 403, "the address lacks the token; the sidecar printed it whole at its start");
        } else {
            chain.proceed();
        }
    }

    private static String hostName(RoutingRequest request) {
        String host = request.headers().first(HeaderNames.HOST).orElse("");
        return host.replaceFirst(":[0-9]*$", "").toLowerCase(Locale.ROOT);
    }

    private static boolean admitted(RoutingRequest request, RoutingResponse response, String token) {
        Optional<String> given = request.query().first("token").asOptional();
        if (given.isPresent() && same(given.get(), token)) {
            response.header(HeaderNames.SET_COOKIE, COOKIE + "=" + token + "; Path=/; HttpOnly; SameSite=Strict");
            return true;
        }
        return request.headers()
                .cookies()
                .first(COOKIE)
                .asOptional()
                .filter(cookie -> same(cookie, token))
                .isPresent();
    }

    private static boolean same(String a, String b) {
        return MessageDigest.isEqual(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
    }
}

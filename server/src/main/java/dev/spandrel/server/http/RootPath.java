package dev.spandrel.server.http;

import io.helidon.common.parameters.Parameters;
import io.helidon.common.uri.UriPath;
import io.helidon.http.RoutedPath;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;

/**
 * Takes the path off that a proxy in front adds, as vLLM's {@code --root-path} does; a proxy that takes it off itself is
 * served as well. The first filter, so that all others and the routes see the API's own paths.
 */
public final class RootPath implements Filter {
    private final String prefix;

    /**
     * @param prefix such as {@code /llm}, without a slash at its end
     * @throws IllegalArgumentException when it is another
     */
    public RootPath(String prefix) {
        check(prefix);
        this.prefix = prefix;
    }

    /** Refuses what is no path. */
    public static void check(String prefix) {
        if (!prefix.matches("(/[A-Za-z0-9._~-]+)+")) {
            throw new IllegalArgumentException(
                    "--root-path must be a path such as /llm, without a slash at its end, found " + prefix);
        }
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        String path = request.prologue().uriPath().rawPath();
        if (path.startsWith(prefix + "/")) {
            UriPath rest = UriPath.create(path.substring(prefix.length()));
            request.prologue(request.prologue().withUriPath(rest));
            request.path(new Whole(rest));
        }
        chain.proceed();
    }

    /** A path that no route was matched with yet. */
    private record Whole(UriPath of) implements RoutedPath {
        @Override
        public Parameters pathParameters() {
            return Parameters.empty("path");
        }

        @Override
        public RoutedPath absolute() {
            return this;
        }

        @Override
        public String rawPath() {
            return of.rawPath();
        }

        @Override
        public String rawPathNoParams() {
            return of.rawPathNoParams();
        }

        @Override
        public String path() {
            return of.path();
        }

        @Override
        public Parameters matrixParameters() {
            return of.matrixParameters();
        }

        @Override
        public void validate() {
            of.validate();
        }
    }
}

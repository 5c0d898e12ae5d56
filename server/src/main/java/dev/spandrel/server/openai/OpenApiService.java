package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * {@code /openapi.json}, which is kept by hand and held to routes and fields by a test, and {@code /docs}, a page of this
 * server's own to try it with: it asks no other host for anything.
 */
public final class OpenApiService implements HttpService {
    /** Where the description is. */
    public static final String PATH = "/openapi.json";

    /** Where the page is. */
    public static final String DOCS_PATH = "/docs";

    private static final String NO_VERSION = "\"version\": \"0\"";
    /** The page's own style and script, and this server; nothing else, whatever a description may say. */
    private static final String POLICY =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

    private final byte[] description;
    private final byte[] page;

    /**
     * @param version of this server
     * @param rootPath what a proxy in front adds to paths; empty for nothing
     */
    public OpenApiService(String version, String rootPath) {
        String text = new String(read("openapi.json"), StandardCharsets.UTF_8)
                .replace(NO_VERSION, NO_VERSION.replace("0", version));
        String servers = rootPath.isEmpty() ? "" : "\"servers\": [{\"url\": \"" + rootPath + "\"}],\n ";
        description = text.replaceFirst("\"paths\"", servers + "\"paths\"").getBytes(StandardCharsets.UTF_8);
        page = read("docs.html");
    }

    private static byte[] read(String name) {
        try (InputStream in = OpenApiService.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing beside " + OpenApiService.class.getName());
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get(PATH, this::description);
        rules.get(DOCS_PATH, this::page);
    }

    private void description(ServerRequest request, ServerResponse response) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json").send(description);
    }

    private void page(ServerRequest request, ServerResponse response) {
        response.header(HeaderNames.CONTENT_TYPE, "text/html; charset=utf-8");
        response.header(HeaderNames.create("Content-Security-Policy"), POLICY);
        response.send(page);
    }
}

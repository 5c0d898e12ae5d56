package dev.spandrel.sidecar.page;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerResponse;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** The shapes of the page's plain answers. */
final class PageAnswers {
    private PageAnswers() {}

    static void json(ServerResponse response, Object value) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.header(HeaderNames.CACHE_CONTROL, "no-store");
        response.send(JsonMapper.shared().writeValueAsBytes(value));
    }

    /** {@code {"error": message}}. */
    static void error(ServerResponse response, int status, String message) {
        response.status(Status.create(status));
        json(response, Map.of("error", message));
    }
}

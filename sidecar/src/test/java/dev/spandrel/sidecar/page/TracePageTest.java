package dev.spandrel.sidecar.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.json.JsonToProtobuf;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The page over HTTP, as a browser and as others see it. */
@Timeout(120)
class TracePageTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private final TracePage page = new TracePage(Ticker.SYSTEM, 1 << 20);

    private void listen(Optional<String> token) throws Exception {
        page.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), token, Optional.of("curl <here>"));
    }

    @AfterEach
    void close() {
        page.close();
        page.close();
    }

    private HttpResponse<String> get(String path, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + page.port() + path));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** A request as one writes it by hand, since the client sets Host itself. */
    private String status(String host) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), page.port())) {
            OutputStream out = socket.getOutputStream();
            out.write(("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
        }
    }

    /** An open stream of events. */
    private final class Events implements AutoCloseable {
        private final BufferedReader reader;

        Events(String filter) throws Exception {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + page.port() + "/api/live?q="
                            + URLEncoder.encode(filter, StandardCharsets.UTF_8)))
                    .build();
            HttpResponse<InputStream> response = HTTP.send(request, HttpResponse.BodyHandlers.ofInputStream());
            assertThat(response.headers().firstValue("Content-Type")).contains("text/event-stream; charset=utf-8");
            reader = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
        }

        /** The next event of a name that is wanted; those between are passed over. */
        JsonNode next(String name, Predicate<JsonNode> wanted) throws Exception {
            String event = "";
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.startsWith("event: ")) {
                    event = line.substring(7);
                } else if (line.startsWith("data: ") && event.equals(name)) {
                    JsonNode data = JsonMapper.shared().readTree(line.substring(6));
                    if (wanted.test(data)) {
                        return data;
                    }
                }
            }
            throw new AssertionError("the stream ended before a wanted event " + name);
        }

        boolean ended() throws Exception {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                // what was under way
            }
            return true;
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }

    @Test
    void thePageComesWithHeadersThatKeepScriptsOfOthersOut() throws Exception {
        listen(Optional.empty());
        for (String path :
                new String[] {"/", "/trace/" + Spans.traceId(1), "/assets/app.js", "/api/page", "/nothing"}) {
            HttpResponse<String> answer = get(path);
            String policy =
                    answer.headers().firstValue("Content-Security-Policy").orElse("");
            assertThat(policy)
                    .as(path)
                    .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'")
                    .contains("require-trusted-types-for 'script'")
                    .doesNotContain("unsafe", "*", "http:", "https:", "data:");
            assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
            assertThat(answer.headers().firstValue("Referrer-Policy")).contains("no-referrer");
            assertThat(answer.headers().firstValue("Access-Control-Allow-Origin"))
                    .isEmpty();
        }
        assertThat(get("/").body()).contains("<div id=\"app\">", "/assets/app.js");
        assertThat(get("/nothing").statusCode()).isEqualTo(404);
        assertThat(get("/assets/..%2fTracePage.class").statusCode()).isEqualTo(404);
    }

    @Test
    void nothingOfThePageComesFromAnotherHost() throws Exception {
        listen(Optional.empty());
        assertThat(get("/").body()).doesNotContainPattern("(src|href)=\"(https?:)?//");
        assertThat(get("/assets/app.css").body()).doesNotContain("url(", "@import");
    }

    @Test
    void filesAreCompressedAndNotSentTwice() throws Exception {
        listen(Optional.empty());
        HttpResponse<String> plain = get("/assets/app.js");
        HttpResponse<String> compressed = get("/assets/app.js", "Accept-Encoding", "gzip");
        assertThat(compressed.headers().firstValue("Content-Encoding")).contains("gzip");
        assertThat(compressed.body().length()).isLessThan(plain.body().length());
        String tag = plain.headers().firstValue("ETag").orElseThrow();
        assertThat(get("/assets/app.js", "If-None-Match", tag).statusCode()).isEqualTo(304);
        assertThat(new PageFiles().compressedBytes()).isLessThan(150_000);
    }

    @Test
    void otherNamesThanThisMachinesAreNotAnsweredTo() throws Exception {
        listen(Optional.empty());
        assertThat(status("127.0.0.1:" + page.port())).contains(" 200 ");
        assertThat(status("localhost")).contains(" 200 ");
        assertThat(status("[::1]:16686")).contains(" 200 ");
        assertThat(status("attacker.example")).contains(" 403 ");
        assertThat(status("127.0.0.1.attacker.example:16686")).contains(" 403 ");
    }

    @Test
    void withATokenNothingIsSeenWithoutIt() throws Exception {
        listen(Optional.of("secret-token"));
        for (String path : new String[] {"/", "/assets/app.js", "/api/live", "/api/traces", "/?token=wrong-token"}) {
            assertThat(get(path).statusCode()).as(path).isEqualTo(403);
        }
        HttpResponse<String> first = get("/?token=secret-token");
        assertThat(first.statusCode()).isEqualTo(200);
        String cookie = first.headers().firstValue("Set-Cookie").orElseThrow();
        assertThat(cookie).contains("HttpOnly", "SameSite=Strict");
        assertThat(get("/api/traces", "Cookie", cookie.split(";")[0]).statusCode())
                .isEqualTo(200);
        assertThat(status("anything.example")).contains(" 403 ");
    }

    @Test
    void aTraceAppearsOnAnOpenPage() throws Exception {
        listen(Optional.empty());
        try (Events events = new Events("")) {
            JsonNode before = events.next("rows", rows -> true);
            assertThat(before.get("reset").asBoolean()).isTrue();
            assertThat(before.get("rows")).isEmpty();
            page.kept(Signal.TRACES, Spans.completion(1, 0));
            JsonNode after = events.next("rows", rows -> !rows.get("rows").isEmpty());
            assertThat(after.get("reset").asBoolean()).isFalse();
            JsonNode row = after.get("rows").get(0);
            assertThat(row.get("id").asString()).isEqualTo(Spans.traceId(1));
            assertThat(row.get("tokensOut").asInt()).isEqualTo(11);
            assertThat(row.has("preemptions")).isFalse();
            assertThat(after.get("store").get("traces").asInt()).isEqualTo(1);
        }
    }

    @Test
    void anOpenPageIsToldOnlyOfWhatItsFilterLetsPass() throws Exception {
        listen(Optional.empty());
        try (Events events = new Events("name:wanted")) {
            events.next("rows", rows -> true);
            page.kept(Signal.TRACES, Spans.request("s", Spans.span(1, 1, -1, "other", 0, 1)));
            page.kept(Signal.TRACES, Spans.request("s", Spans.span(2, 1, -1, "wanted", 0, 1)));
            JsonNode rows = events.next("rows", data -> !data.get("rows").isEmpty());
            assertThat(rows.get("rows")).hasSize(1);
            assertThat(rows.get("rows").get(0).get("id").asString()).isEqualTo(Spans.traceId(2));
        }
    }

    @Test
    void aTraceThatNoLongerPassesIsTakenBack() throws Exception {
        listen(Optional.empty());
        try (Events events = new Events("-name:bad")) {
            page.kept(Signal.TRACES, Spans.request("s", Spans.span(1, 1, -1, "fine", 0, 1)));
            events.next("rows", rows -> !rows.get("rows").isEmpty());
            page.kept(Signal.TRACES, Spans.request("s", Spans.span(1, 2, 1, "bad", 0, 1)));
            JsonNode gone = events.next("rows", rows -> !rows.get("gone").isEmpty());
            assertThat(gone.get("gone").get(0).asString()).isEqualTo(Spans.traceId(1));
        }
    }

    @Test
    void closingEndsOpenPages() throws Exception {
        listen(Optional.empty());
        try (Events events = new Events("")) {
            events.next("rows", rows -> true);
            page.close();
            assertThat(events.ended()).isTrue();
        }
    }

    @Test
    void tooManyPagesAreRefused() throws Exception {
        listen(Optional.empty());
        List<Events> open = new ArrayList<>();
        try {
            for (int i = 0; i < PageFeed.MAX_PAGES; i++) {
                open.add(new Events(""));
            }
            HttpResponse<String> refused = get("/api/live");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.body()).contains("at most 32 pages");
        } finally {
            for (Events events : open) {
                events.close();
            }
        }
    }

    @Test
    void aTraceIsDownloadedAsOtlpJson() throws Exception {
        listen(Optional.empty());
        byte[] sent = Spans.completion(1, 0);
        try (Events events = new Events("")) {
            page.kept(Signal.TRACES, sent);
            events.next("rows", rows -> !rows.get("rows").isEmpty());
        }
        HttpResponse<String> answer = get("/api/traces/" + Spans.traceId(1) + "?download");
        assertThat(answer.headers().firstValue("Content-Disposition"))
                .contains("attachment; filename=\"trace-" + Spans.traceId(1) + ".json\"");
        byte[] back = JsonToProtobuf.convert(Signal.TRACES, answer.body().getBytes(StandardCharsets.UTF_8));
        assertThat(ExportTraceServiceRequest.parseFrom(back)).isEqualTo(ExportTraceServiceRequest.parseFrom(sent));
        HttpResponse<String> missing = get("/api/traces/00ff");
        assertThat(missing.statusCode()).isEqualTo(404);
        assertThat(missing.body()).contains("trace 00ff is not here");
    }

    @Test
    void whatIsWrongWithARequestIsSaid() throws Exception {
        listen(Optional.empty());
        assertThat(get("/api/live?q=colour:red").statusCode()).isEqualTo(400);
        HttpResponse<String> filter = get("/api/traces?q=colour:red");
        assertThat(filter.statusCode()).isEqualTo(400);
        assertThat(filter.body()).contains("unknown field");
        assertThat(get("/api/traces?before=yesterday").statusCode()).isEqualTo(400);
        assertThat(JsonMapper.shared()
                        .readTree(get("/api/page").body())
                        .get("example")
                        .asString())
                .isEqualTo("curl <here>");
    }

    @Test
    void whatCannotBeReadIsCountedAndTheNextIsShown() throws Exception {
        listen(Optional.empty());
        try (Events events = new Events("")) {
            events.next("rows", rows -> true);
            page.kept(Signal.TRACES, new byte[] {0x0a, 0x05, 0x12, 0x7f});
            page.kept(Signal.TRACES, Spans.completion(1, 0));
            JsonNode rows = events.next("rows", data -> !data.get("rows").isEmpty());
            assertThat(rows.get("notShown").asInt()).isEqualTo(1);
        }
    }
}

package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.web.WebListener;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRouting;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The page and what it shows. {@link #kept} may be called before {@link #listen}; what is told then is there when the first
 * browser comes. A failure in here never reaches the intake.
 */
public final class TracePage implements AutoCloseable {
    /** Spans in memory, as they came over the wire. */
    public static final long STORE_BYTES = 64 << 20;

    private static final long QUEUE_BYTES = 16 << 20;

    /** What the page needs of the heap: store, queue, and a large trace on its way to JSON. */
    public static final long HEAP_BYTES = 2 * STORE_BYTES;

    private static final Duration GRACE = Duration.ofSeconds(1);
    private static final Duration READ_TIMEOUT = Duration.ofMinutes(2);

    private final TraceStore store;
    private final Dashboard dashboard = new Dashboard();
    private final PageFeed feed;
    private WebListener listener;

    public TracePage(Ticker ticker) {
        this(ticker, STORE_BYTES);
    }

    TracePage(Ticker ticker, long storeBytes) {
        store = new TraceStore(storeBytes);
        feed = new PageFeed(store, dashboard, ticker, QUEUE_BYTES);
    }

    /** Takes note of a kept request; never blocks. */
    public void kept(Signal signal, byte[] body) {
        feed.kept(signal, body);
    }

    /**
     * Begins to answer; an address that is taken or not ours fails.
     *
     * @param token what the address must carry; empty lets in whoever is on this machine
     * @param example a command that the page offers while there is nothing to see; empty for none
     */
    public void listen(InetSocketAddress address, Optional<String> token, Optional<String> example) throws IOException {
        PageFiles files = new PageFiles();
        PageAccess access = new PageAccess(token);
        TraceApi api = new TraceApi(store);
        LiveService live = new LiveService(store, dashboard, feed);
        HttpRouting.Builder routing = HttpRouting.builder()
                .addFilter(access::filter)
                .error(
                        InvalidFilterException.class,
                        (_, response, invalid) -> PageAnswers.error(response, 400, invalid.getMessage()))
                .get("/", page(files))
                .get("/trace/{id}", page(files))
                .get(
                        "/assets/{name}",
                        (request, response) ->
                                files.send(request.path().pathParameters().get("name"), request, response))
                .get("/api/page", (_, response) -> PageAnswers.json(response, Map.of("example", example.orElse(""))))
                .get("/api/live", live::handle)
                .get("/api/traces", api::rows)
                .get("/api/traces/{id}", api::trace)
                .get("/api/traces/{id}/linking", api::linking);
        WebServerConfig.Builder server =
                WebServer.builder().shutdownGracePeriod(GRACE).routing(routing);
        listener = WebListener.start(server, address, READ_TIMEOUT);
    }

    private static Handler page(PageFiles files) {
        return (request, response) -> files.send(PageFiles.INDEX, request, response);
    }

    /** Where it listens; only after {@link #listen}. */
    public int port() {
        return listener.port();
    }

    /** Ends open pages first: the web server waits for what is under way. Closing twice is harmless. */
    @Override
    public void close() {
        feed.close();
        if (listener != null) {
            listener.close();
        }
    }
}

package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.page.LiveChanges.Changes;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code GET /api/live}: server-sent events. First everything that passes the filter and the dashboard, then what changes.
 * Each page has its own filter and runs it on its own thread.
 */
final class LiveService {
    /** Lines of a fresh page; older ones are asked for. */
    static final int FIRST_ROWS = 200;

    /**
     * Lines to put in, or to replace, and those to take out.
     *
     * @param reset whether what was told before is void
     * @param notShown requests that came too fast to be shown
     */
    record Rows(boolean reset, List<TraceRow> rows, List<String> gone, TraceStore.Fill store, long notShown) {}

    private final TraceStore store;
    private final Dashboard dashboard;
    private final PageFeed feed;

    LiveService(TraceStore store, Dashboard dashboard, PageFeed feed) {
        this.store = store;
        this.dashboard = dashboard;
        this.feed = feed;
    }

    void handle(ServerRequest request, ServerResponse response) throws InvalidFilterException {
        TraceFilter filter = FilterParser.parse(request.query().first("q").orElse(""));
        Optional<LiveChanges> page = feed.open();
        if (page.isEmpty()) {
            PageAnswers.error(response, 503, "at most " + PageFeed.MAX_PAGES + " pages can be open; close one");
            return;
        }
        try {
            stream(response, filter, page.get());
        } catch (IOException | UncheckedIOException e) {
            // the page was closed, which is how every stream ends
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            feed.left(page.get());
        }
    }

    private void stream(ServerResponse response, TraceFilter filter, LiveChanges page)
            throws IOException, InterruptedException {
        response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
        response.header(HeaderNames.CACHE_CONTROL, "no-store");
        try (OutputStream out = response.outputStream()) {
            Set<String> shown = new HashSet<>();
            event(out, "rows", all(filter, shown));
            event(out, "metrics", dashboard.view());
            while (true) {
                Changes changes = page.await();
                if (changes.end()) {
                    return;
                }
                tell(out, changes, filter, shown);
                out.flush();
            }
        }
    }

    private void tell(OutputStream out, Changes changes, TraceFilter filter, Set<String> shown) throws IOException {
        if (changes.empty()) {
            out.write(": still here\n\n".getBytes(StandardCharsets.US_ASCII));
        }
        if (changes.reset()) {
            event(out, "rows", all(filter, shown));
        } else if (!changes.changed().isEmpty() || !changes.gone().isEmpty()) {
            event(out, "rows", some(changes, filter, shown));
        }
        if (changes.metrics()) {
            event(out, "metrics", dashboard.latest());
        }
    }

    private Rows all(TraceFilter filter, Set<String> shown) {
        List<TraceRow> rows = store.newest(filter, FIRST_ROWS, Double.POSITIVE_INFINITY);
        shown.clear();
        rows.forEach(row -> shown.add(row.id()));
        return new Rows(true, rows, List.of(), store.fill(), feed.notShown());
    }

    private Rows some(Changes changes, TraceFilter filter, Set<String> shown) {
        List<TraceRow> rows = new ArrayList<>();
        // the page may have asked for older lines itself, so it is told of every one that went
        List<String> gone = new ArrayList<>(changes.gone());
        gone.forEach(shown::remove);
        for (String id : changes.changed()) {
            Optional<TraceRow> row = store.row(id, filter);
            if (row.isPresent()) {
                rows.add(row.get());
                shown.add(id);
            } else if (shown.remove(id)) {
                // it passed the filter until more of it came
                gone.add(id);
            }
        }
        return new Rows(false, rows, gone, store.fill(), feed.notShown());
    }

    private static void event(OutputStream out, String name, Object data) throws IOException {
        out.write(("event: " + name + "\ndata: ").getBytes(StandardCharsets.US_ASCII));
        // JSON on one line: Jackson escapes line breaks inside of texts
        out.write(JsonMapper.shared().writeValueAsBytes(data));
        out.write("\n\n".getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }
}

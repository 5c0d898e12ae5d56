package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Asks the Hub over HTTPS. Redirects are followed by hand, since a token must not follow them to another host. */
final class HubClient implements AutoCloseable {
    /** What a model is at a revision. */
    record Listing(String commit, List<HubFile> files) {}

    private static final int MOST_REDIRECTS = 5;
    /** Ten thousand files have less. */
    private static final int LONGEST_LISTING = 8 << 20;

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");
    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,200}");

    private final HubSettings settings;
    private final HttpClient http;

    HubClient(HubSettings settings) {
        this.settings = settings;
        http = HttpClient.newBuilder()
                .connectTimeout(settings.connectTimeout())
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
    }

    /**
     * What there is of a model.
     *
     * @throws IOException when the Hub cannot be reached
     * @throws EngineException.ModelLoad when it says no, or something that is no listing
     */
    Listing list(String id, String revision) throws IOException {
        URI uri = URI.create(settings.endpoint() + "/api/models/" + id + "/revision/" + revision + "?blobs=true");
        HttpResponse<InputStream> answer = get(uri, 0);
        try (InputStream body = answer.body()) {
            if (answer.statusCode() >= 500) {
                throw new IOException("the Hub answered " + answer.statusCode());
            }
            if (answer.statusCode() != 200) {
                throw refused(id, revision, answer);
            }
            return parse(id, body.readNBytes(LONGEST_LISTING));
        }
    }

    /** Opens a file from a byte on; the caller closes the body and looks at the status: 200, 206 or another. */
    HttpResponse<InputStream> open(String id, String commit, String file, long from) throws IOException {
        return get(URI.create(settings.endpoint() + "/" + id + "/resolve/" + commit + "/" + file), from);
    }

    /** The Hub's no, in words that name the cure. */
    EngineException.ModelLoad refused(String id, String what, HttpResponse<?> answer) {
        String code = answer.headers().firstValue("X-Error-Code").orElse("");
        String cure = switch (answer.statusCode()) {
            case 401 ->
                settings.token().isPresent()
                        ? "the token in HF_TOKEN is not valid there, or there is no such model"
                        : "there is no such model, or it needs a token: set HF_TOKEN";
            case 403 ->
                "access is restricted: accept the model's terms on its page and set HF_TOKEN to a token that may read it";
            case 404 -> "there is no such model, revision or file";
            default -> "expected 200";
        };
        return new EngineException.ModelLoad(
                id,
                settings.endpoint() + " answered " + answer.statusCode() + (code.isEmpty() ? "" : " " + code) + " for "
                        + what + ": " + cure);
    }

    private HttpResponse<InputStream> get(URI start, long from) throws IOException {
        URI uri = start;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            HttpResponse<InputStream> answer = send(request(uri, from));
            Optional<String> location = answer.headers().firstValue("Location");
            if (answer.statusCode() < 300 || answer.statusCode() >= 400 || location.isEmpty()) {
                return answer;
            }
            answer.body().close();
            uri = uri.resolve(location.get());
            if (settings.endpoint().getScheme().equals("https") && !"https".equals(uri.getScheme())) {
                throw new IOException("redirected from https to " + uri.getScheme() + ", which is not followed");
            }
        }
        throw new IOException("more than " + MOST_REDIRECTS + " redirects from " + start);
    }

    private HttpRequest request(URI uri, long from) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(settings.connectTimeout()).header("User-Agent", "spandrel");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        boolean ours = settings.endpoint().getAuthority().equals(uri.getAuthority());
        settings.token().filter(token -> ours).ifPresent(token -> request.header("Authorization", "Bearer " + token));
        return request.GET().build();
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static Listing parse(String id, byte[] json) {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new EngineException.ModelLoad(id, "expected a listing as JSON from the Hub, found none");
        }
        String commit = root.path("sha").asString("");
        if (!COMMIT.matcher(commit).matches()) {
            throw new EngineException.ModelLoad(
                    id, "expected a commit of 40 hexadecimal digits from the Hub, found another");
        }
        List<HubFile> files = new ArrayList<>();
        for (JsonNode each : root.path("siblings")) {
            JsonNode large = each.path("lfs");
            String name = each.path("rfilename").asString("");
            String hash = large.isObject()
                    ? large.path("sha256").asString("")
                    : each.path("blobId").asString("");
            long size = (large.isObject() ? large : each).path("size").asLong(-1);
            // Files in folders are other formats of the same model.
            if (PLAIN_NAME.matcher(name).matches()
                    && !name.startsWith(".")
                    && HASH.matcher(hash).matches()
                    && size >= 0) {
                files.add(new HubFile(name, hash, size));
            }
        }
        return new Listing(commit, List.copyOf(files));
    }

    @Override
    public void close() {
        http.close();
    }
}

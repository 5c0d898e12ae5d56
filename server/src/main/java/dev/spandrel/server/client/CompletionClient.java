package dev.spandrel.server.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Asks a server for one completion, plain or streamed. */
final class CompletionClient {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final String DATA = "data: ";
    private static final String DONE = "[DONE]";

    private final URI endpoint;
    private final HttpClient http;

    /** A client of the server at a base URL such as {@code http://localhost:8000}. */
    CompletionClient(URI baseUrl) {
        String base = baseUrl.toString();
        this.endpoint =
                URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + "/v1/completions");
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
    }

    /**
     * Posts a prompt.
     *
     * @param headers sent along
     * @param text told each piece of text as it comes
     * @throws ClientException when the server is not there or refuses
     */
    void complete(
            Optional<String> model,
            String prompt,
            int maxTokens,
            boolean stream,
            Map<String, String> headers,
            Consumer<String> text)
            throws InterruptedException {
        ObjectNode body = MAPPER.createObjectNode();
        model.ifPresent(name -> body.put("model", name));
        body.put("prompt", prompt).put("max_tokens", maxTokens).put("stream", stream);
        HttpRequest.Builder request = HttpRequest.newBuilder(endpoint)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()));
        headers.forEach(request::header);
        try {
            HttpResponse<Stream<String>> response = http.send(request.build(), HttpResponse.BodyHandlers.ofLines());
            try (Stream<String> lines = response.body()) {
                read(response.statusCode(), lines, stream, text);
            }
        } catch (ConnectException e) {
            throw new ClientException("no server at " + endpoint + "; start one with: spandrel serve", e);
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new ClientException("lost the server at " + endpoint + ": " + e.getMessage(), e);
        } catch (JacksonException e) {
            throw new ClientException("the answer of " + endpoint + " is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private void read(int status, Stream<String> lines, boolean stream, Consumer<String> text) {
        if (status != 200 || !stream) {
            piece(status, MAPPER.readTree(String.join("\n", lines.toList())), text);
            return;
        }
        lines.filter(line -> line.startsWith(DATA))
                .map(line -> line.substring(DATA.length()))
                .takeWhile(data -> !data.equals(DONE))
                .forEach(data -> piece(status, MAPPER.readTree(data), text));
    }

    private void piece(int status, JsonNode answer, Consumer<String> text) {
        if (answer.has("error") || status != 200) {
            String message = answer.path("error").path("message").asString(answer.toString());
            throw new ClientException("the server refused (" + status + "): " + message, null);
        }
        answer.path("choices").forEach(choice -> text.accept(choice.path("text").asString("")));
    }
}

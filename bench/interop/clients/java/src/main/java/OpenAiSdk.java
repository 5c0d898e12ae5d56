import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.util.stream.Collectors;

/** The official Java SDK against a server: OpenAiSdk BASE_URL KEY. */
public final class OpenAiSdk {
    private OpenAiSdk() {}

    public static void main(String[] args) {
        OpenAIClient client = client(args[0], args[1]);
        String model = client.models().list().data().getFirst().id();

        CompletionCreateParams prompt = CompletionCreateParams.builder()
                .model(model)
                .prompt("Once upon a time")
                .maxTokens(24)
                .temperature(0)
                .build();
        Completion plain = client.completions().create(prompt);
        String text = plain.choices().getFirst().text();
        check(plain.usage().orElseThrow().completionTokens() == 24, "usage");
        try (StreamResponse<Completion> stream = client.completions().createStreaming(prompt)) {
            String streamed = stream.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .map(choice -> choice.text())
                    .collect(Collectors.joining());
            check(streamed.equals(text), "the stream says the same");
        }

        ChatCompletionCreateParams question = ChatCompletionCreateParams.builder()
                .model(model)
                .addUserMessage("What is a span?")
                .maxCompletionTokens(24)
                .temperature(0)
                .build();
        String answer = client.chat().completions().create(question).choices().getFirst().message().content().orElseThrow();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(question)) {
            String streamed = stream.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .flatMap(choice -> choice.delta().content().stream())
                    .collect(Collectors.joining());
            check(streamed.equals(answer), "the chat's stream says the same");
        }

        try (StreamResponse<Completion> left = client.completions()
                .createStreaming(prompt.toBuilder().maxTokens(400).build())) {
            left.stream().findFirst().orElseThrow();
        }

        fails(NotFoundException.class, () -> client.completions().create(prompt.toBuilder().model("nobody").build()));
        fails(BadRequestException.class, () -> client.completions().create(prompt.toBuilder().temperature(9).build()));
        fails(UnauthorizedException.class, () -> client(args[0], "wrong").models().list());
        System.out.println("java: openai-java ok");
    }

    private static OpenAIClient client(String baseUrl, String key) {
        return OpenAIOkHttpClient.builder().baseUrl(baseUrl).apiKey(key).maxRetries(0).build();
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException("java: " + what);
        }
    }

    private static void fails(Class<? extends RuntimeException> kind, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            check(kind.isInstance(e), "expected " + kind.getSimpleName() + ", found " + e);
            return;
        }
        throw new IllegalStateException("java: expected " + kind.getSimpleName());
    }
}

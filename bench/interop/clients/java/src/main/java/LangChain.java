import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** LangChain4j's OpenAI model against a server: LangChain BASE_URL KEY MODEL. */
public final class LangChain {
    private LangChain() {}

    public static void main(String[] args) throws Exception {
        String answer = OpenAiChatModel.builder()
                .baseUrl(args[0])
                .apiKey(args[1])
                .modelName(args[2])
                .temperature(0.0)
                .maxTokens(24)
                .build()
                .chat("What is a span?");
        StringBuilder streamed = new StringBuilder();
        CompletableFuture<ChatResponse> end = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder()
                .baseUrl(args[0])
                .apiKey(args[1])
                .modelName(args[2])
                .temperature(0.0)
                .maxTokens(24)
                .build()
                .chat("What is a span?", new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(String part) {
                        streamed.append(part);
                    }

                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        end.complete(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        end.completeExceptionally(error);
                    }
                });
        ChatResponse response = end.get(60, TimeUnit.SECONDS);
        if (!streamed.toString().equals(answer) || !response.aiMessage().text().equals(answer) || answer.isBlank()) {
            throw new IllegalStateException("java: LangChain4j's stream says \"" + streamed + "\", the answer \"" + answer + "\"");
        }
        System.out.println("java: langchain4j ok");
        System.exit(0);
    }
}

package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.ChatOptions;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import dev.spandrel.engine.tokenizer.jinja.Template;
import dev.spandrel.engine.tokenizer.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/**
 * Turns a conversation into the text its model was trained on: the Jinja template a model folder ships, with the variables
 * transformers gives it. Parsed at its first use, so that a start costs nothing. Thread-safe.
 */
public final class ChatTemplate {
    private static final String FILE = "chat_template.jinja";
    private static final String DEFAULT = "default";

    private final String source;
    private final Map<String, Object> tokens;
    private final Supplier<LocalDateTime> now;
    private final ContentFormat format;
    private volatile Template template;

    /**
     * @param source the template
     * @param tokens special tokens by role, such as {@code bos_token}
     * @param now the local time of {@code strftime_now}
     */
    ChatTemplate(String source, Map<String, String> tokens, Supplier<LocalDateTime> now) {
        this(source, Map.copyOf(tokens), now, ContentFormat.AUTO, null);
    }

    private ChatTemplate(
            String source,
            Map<String, Object> tokens,
            Supplier<LocalDateTime> now,
            ContentFormat format,
            Template template) {
        this.source = source;
        this.tokens = tokens;
        this.now = now;
        this.format = format;
        this.template = template;
    }

    /** The same, seeing contents in another format. */
    public ChatTemplate withContentFormat(ContentFormat other) {
        return new ChatTemplate(source, tokens, now, other, template);
    }

    /**
     * The template of a model folder: {@code chat_template.jinja}, else {@code chat_template} of
     * {@code tokenizer_config.json}, of several the one named "default"; or that of a GGUF file. Empty when there is none.
     *
     * @param now the local time of templates that write the date
     * @throws EngineException.ModelLoad when a file cannot be read, or there are templates but none is the default
     */
    public static Optional<ChatTemplate> open(Path folder, Supplier<LocalDateTime> now) {
        Place place = Place.of(folder);
        return place.template().map(text -> new ChatTemplate(text, place.tokens(), now));
    }

    /**
     * The operator's template in place of that of {@code folder}, whose special tokens it may name. It is parsed at once.
     *
     * @throws EngineException.ModelLoad when it is too long or no template
     */
    public static ChatTemplate given(String source, Path folder, Supplier<LocalDateTime> now) {
        ChatTemplate template = new ChatTemplate(source, Place.of(folder).tokens(), now);
        try {
            template.template();
        } catch (TemplateException e) {
            throw new EngineException.ModelLoad("the given chat template", e.getMessage());
        }
        return template;
    }

    /** Where a template and the special tokens it may name come from. */
    private sealed interface Place {
        static Place of(Path folder) {
            return GgufMetadata.isGgufFile(folder)
                    ? new File(folder, GgufMetadata.read(folder))
                    : new Folder(folder, TokenizerConfig.read(folder));
        }

        Optional<String> template();

        Map<String, String> tokens();

        record File(Path path, GgufMetadata metadata) implements Place {
            @Override
            public Optional<String> template() {
                return metadata.text("tokenizer.chat_template").map(text -> checked(path, text));
            }

            @Override
            public Map<String, String> tokens() {
                return GgufTokenizer.roles(metadata);
            }
        }

        record Folder(Path path, TokenizerConfig config) implements Place {
            @Override
            public Optional<String> template() {
                Path file = path.resolve(FILE);
                return Files.exists(file) ? Optional.of(read(file)) : source(config);
            }

            @Override
            public Map<String, String> tokens() {
                Map<String, String> tokens = new HashMap<>();
                config.roles().forEach((role, token) -> tokens.put(role, token.content()));
                return tokens;
            }
        }
    }

    private static String checked(Path file, String template) {
        if (template.length() > Template.MAX_SOURCE) {
            throw new EngineException.ModelLoad(
                    file.toString(),
                    "tokenizer.chat_template: expected at most " + Template.MAX_SOURCE + " characters, found "
                            + template.length());
        }
        return template;
    }

    private static String read(Path file) {
        try {
            long size = Files.size(file);
            if (size > Template.MAX_SOURCE) {
                throw new EngineException.ModelLoad(
                        file.toString(), "expected at most " + Template.MAX_SOURCE + " bytes, found " + size);
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new EngineException.ModelLoad(file.toString(), "cannot be read: " + e);
        }
    }

    private static Optional<String> source(TokenizerConfig config) {
        JsonNode node = config.chatTemplate();
        if (node.isMissingNode() || node.isNull()) {
            return Optional.empty();
        }
        if (node.isString()) {
            return Optional.of(node.asString());
        }
        for (JsonNode named : node) {
            if (named.path("name").asString("").equals(DEFAULT)
                    && named.path("template").isString()) {
                return Optional.of(named.path("template").asString());
            }
        }
        throw new EngineException.ModelLoad(
                config.file().toString(),
                "chat_template: expected a text, or a list with a template named \"default\", found "
                        + node.valueStream()
                                .map(named -> named.path("name").asString("?"))
                                .toList());
    }

    /** Renders a conversation, asking for the assistant's turn. */
    String render(List<ChatMessage> messages) {
        return render(messages, ChatOptions.DEFAULT);
    }

    /** The template's text. */
    public String source() {
        return source;
    }

    /**
     * Renders a conversation. Special tokens are in the text: encode it without adding them.
     *
     * @throws EngineException.InvalidRequest when the template refuses these messages, in its own words, or fails on them
     */
    public String render(List<ChatMessage> messages, ChatOptions options) {
        Map<String, Object> variables = new HashMap<>(tokens);
        variables.putAll(options.variables());
        variables.put("add_generation_prompt", options.addGenerationPrompt());
        // Templates test "if tools"; transformers gives them none rather than an empty list.
        variables.put("tools", options.tools().isEmpty() ? null : options.tools());
        try {
            Template parsed = template();
            List<ChatMessage> seen = DeveloperMessages.adapted(messages, source);
            variables.put(
                    "messages",
                    seen.stream().map(message -> message(message, parsed)).toList());
            String text = parsed.render(variables);
            return options.continueFinalMessage() ? open(text, seen) : text;
        } catch (TemplateException e) {
            throw new EngineException.InvalidRequest(
                    "messages", "the model's chat template does not take these messages: " + e.getMessage());
        }
    }

    /** Cuts off what the template put behind the last message, as transformers does. */
    private static String open(String text, List<ChatMessage> messages) {
        String last = messages.isEmpty() ? "" : lastText(messages.getLast()).strip();
        int at = text.lastIndexOf(last);
        if (last.isEmpty() || at < 0) {
            throw new EngineException.InvalidRequest(
                    "continue_final_message",
                    "continue_final_message needs a last message with a text that the model's chat template repeats");
        }
        return text.substring(0, at + last.length());
    }

    /** Of a content in parts the last, since a template may write anything between them. */
    private static String lastText(ChatMessage message) {
        return message.parts().isEmpty()
                ? message.content()
                : String.valueOf(message.parts().getLast().get("text"));
    }

    private Object message(ChatMessage message, Template parsed) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("role", message.role());
        map.put("content", content(message, parsed));
        map.putAll(message.more());
        return map;
    }

    /**
     * Results of tools are texts, as in vLLM: few templates look for parts there. A text is not wrapped where the template
     * asks for one, so that what templates do to texts alone, as taking thoughts out of them, goes on.
     */
    private Object content(ChatMessage message, Template parsed) {
        boolean inParts = format == ContentFormat.OPENAI || format == ContentFormat.AUTO && parsed.takesParts();
        if (!inParts || message.role().equals("tool")) {
            return message.content();
        }
        if (!message.parts().isEmpty()) {
            return message.parts();
        }
        return parsed.takesText() ? message.content() : List.of(part(message.content()));
    }

    private static Map<String, Object> part(String text) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "text");
        part.put("text", text);
        return part;
    }

    /** Parsing twice, by two first users at once, does no harm. */
    private Template template() {
        Template parsed = template;
        if (parsed == null) {
            parsed = Template.parse(source, now);
            template = parsed;
        }
        return parsed;
    }
}

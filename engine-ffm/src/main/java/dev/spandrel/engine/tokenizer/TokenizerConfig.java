package dev.spandrel.engine.tokenizer;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * {@code tokenizer_config.json}, with {@code special_tokens_map.json} for what it leaves out. Both files may be missing.
 *
 * @param file where it was read from, for messages
 * @param tokenizerClass Hugging Face's class name, empty where none is given
 * @param addBosToken whether texts begin with {@link #text}{@code ("bos_token")}
 * @param addPrefixSpace whether a space goes before a text that does not begin with one
 * @param roles special tokens by role, such as {@code eos_token}
 * @param added {@code added_tokens_decoder}: added tokens by id
 * @param chatTemplate the raw {@code chat_template} member, possibly missing
 */
record TokenizerConfig(
        Path file,
        String tokenizerClass,
        boolean addBosToken,
        boolean addPrefixSpace,
        Map<String, AddedToken> roles,
        Map<Integer, AddedToken> added,
        JsonNode chatTemplate) {

    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final String ADDITIONAL = "additional_special_tokens";

    static TokenizerConfig read(Path folder) {
        Path file = folder.resolve("tokenizer_config.json");
        JsonNode config = JsonFile.readIfPresent(file);
        Path mapFile = folder.resolve("special_tokens_map.json");
        Problems problems = new Problems(file);
        Map<String, AddedToken> roles = roles(JsonFile.readIfPresent(mapFile));
        roles.putAll(roles(config));
        Map<Integer, AddedToken> added = added(config.path("added_tokens_decoder"), problems);
        problems.throwIfAny();
        return new TokenizerConfig(
                file,
                config.path("tokenizer_class").asString(""),
                config.path("add_bos_token").asBoolean(false),
                config.path("add_prefix_space").asBoolean(false),
                roles,
                added,
                config.path("chat_template"));
    }

    /** The text of a special token by role. */
    Optional<String> text(String role) {
        return Optional.ofNullable(roles.get(role)).map(AddedToken::content);
    }

    private static Map<String, AddedToken> roles(JsonNode node) {
        Map<String, AddedToken> roles = new LinkedHashMap<>();
        for (String role : ROLES) {
            token(node.path(role)).ifPresent(token -> roles.put(role, token.asSpecial()));
        }
        int index = 0;
        for (JsonNode more : node.path(ADDITIONAL)) {
            String role = ADDITIONAL + "[" + index++ + "]";
            token(more).ifPresent(token -> roles.put(role, token.asSpecial()));
        }
        return roles;
    }

    private static Map<Integer, AddedToken> added(JsonNode decoder, Problems problems) {
        Map<Integer, AddedToken> added = new LinkedHashMap<>();
        decoder.properties().forEach(entry -> {
            Optional<AddedToken> token = token(entry.getValue());
            int id = id(entry.getKey());
            if (id < 0 || token.isEmpty()) {
                problems.add("added_tokens_decoder: expected an id from 0 to " + (Vocabulary.MAX_IDS - 1)
                        + " and a token with content, found " + entry.getKey() + ": " + entry.getValue());
            } else {
                added.put(id, token.get());
            }
        });
        return added;
    }

    private static int id(String text) {
        return text.matches("[0-9]{1,7}") && Integer.parseInt(text) < Vocabulary.MAX_IDS ? Integer.parseInt(text) : -1;
    }

    /** A token as text or as an object with content and flags; empty for anything else and for empty text. */
    static Optional<AddedToken> token(JsonNode node) {
        String content = node.isObject() ? node.path("content").asString("") : node.isString() ? node.asString() : "";
        if (content.isEmpty()) {
            return Optional.empty();
        }
        if (!node.isObject()) {
            return Optional.of(AddedToken.special(content));
        }
        boolean special = node.path("special").asBoolean(false);
        return Optional.of(new AddedToken(
                content,
                special,
                node.path("lstrip").asBoolean(false),
                node.path("rstrip").asBoolean(false),
                node.path("single_word").asBoolean(false),
                node.path("normalized").asBoolean(!special)));
    }
}

package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.tokenizer.PipelineTokenizer.SpecialTokens;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** The {@code post_processor} of {@code tokenizer.json}: which special tokens go around a single text. */
final class PostProcessor {
    private final Problems problems;
    private final TokenBuffer front = new TokenBuffer();
    private final TokenBuffer back = new TokenBuffer();
    private boolean textSeen;

    private PostProcessor(Problems problems) {
        this.problems = problems;
    }

    static SpecialTokens read(Path file, JsonNode json) {
        PostProcessor processor = new PostProcessor(new Problems(file));
        processor.add(json);
        processor.problems.throwIfAny();
        return new SpecialTokens(processor.front.toArray(), processor.back.toArray());
    }

    private void add(JsonNode processor) {
        switch (processor.path("type").asString("none")) {
            // ByteLevel only trims offsets, which nobody here asks for.
            case "none", "ByteLevel" -> {}
            case "Sequence" -> processor.path("processors").forEach(this::add);
            case "TemplateProcessing" -> template(processor);
            default ->
                problems.add("post_processor: this version reads TemplateProcessing and ByteLevel, found "
                        + TokenizerJson.type(processor));
        }
    }

    private void template(JsonNode template) {
        if (textSeen) {
            problems.add("post_processor: expected one TemplateProcessing, found two");
        }
        for (JsonNode piece : template.path("single")) {
            if (piece.has("Sequence")) {
                textSeen = true;
                continue;
            }
            String name = piece.path("SpecialToken").path("id").asString("");
            JsonNode ids = template.path("special_tokens").path(name).path("ids");
            if (ids.isEmpty() || !ids.valueStream().allMatch(Vocabulary::isId)) {
                problems.add("post_processor: expected token ids of " + name + ", found " + ids);
            }
            ids.forEach(id -> (textSeen ? back : front).add(id.asInt(0)));
        }
        if (!textSeen) {
            problems.add("post_processor.single: expected the text in it, found " + template.path("single"));
        }
    }
}

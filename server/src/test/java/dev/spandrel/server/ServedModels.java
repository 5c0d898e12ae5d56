package dev.spandrel.server;

import dev.spandrel.server.openai.ServedModel;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What tests of the API package need of this one. */
public final class ServedModels {
    private ServedModels() {}

    /** The scripted model as {@link TestServer} serves it. */
    public static ServedModel scripted(ScriptedEngine engine) {
        return scripted(engine, ServedModel.DEFAULT_MAX_LOGPROBS);
    }

    /** The same with another {@code --max-logprobs}. */
    public static ServedModel scripted(ScriptedEngine engine, int maxLogprobs) {
        return new ServedModel(
                engine.model(),
                List.of("scripted", "alias"),
                1_700_000_000,
                64,
                false,
                false,
                Optional.of(ToolCallFamily.HERMES),
                maxLogprobs,
                dev.spandrel.engine.Pooling.MEAN,
                "1.2.3");
    }

    /** The server's routes. */
    public static Map<String, String> methodsByPath() {
        return ApiRouting.methodsByPath();
    }
}

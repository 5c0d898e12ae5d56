package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with one file, collected so that it is reported at once; a hopeless file is cut short. */
final class Problems {
    private static final int MOST = 20;
    private static final int LONGEST = 400;

    private final Path file;
    private final List<String> lines = new ArrayList<>();
    private int count;

    Problems(Path file) {
        this.file = file;
    }

    void add(String line) {
        if (count++ < MOST) {
            lines.add(line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…");
        }
    }

    /** @throws EngineException.ModelLoad when there was any problem */
    void throwIfAny() {
        if (count > MOST) {
            lines.add("and " + (count - MOST) + " more");
        }
        if (count > 0) {
            throw new EngineException.ModelLoad(file.toString(), lines);
        }
    }
}

package dev.spandrel.engine.model;

import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A prompt and what transformers made of it.
 *
 * @param prefill logits of the prompt, given at once
 * @param steps logits of the prompt and the greedy tokens, given one by one
 * @param greedy the tokens a greedy reader takes
 */
record ReferenceCase(int[] ids, float[][] prefill, float[][] steps, int[] greedy) {
    static List<ReferenceCase> of(Path folder) {
        List<ReferenceCase> cases = new ArrayList<>();
        try (Checkpoint expected = Checkpoint.open(folder.resolve("expected.safetensors"))) {
            for (int i = 0; expected.tensors().containsKey(i + ".ids"); i++) {
                cases.add(new ReferenceCase(
                        ints(expected.tensor(i + ".ids")),
                        rows(expected.tensor(i + ".prefill")),
                        rows(expected.tensor(i + ".steps")),
                        ints(expected.tensor(i + ".greedy"))));
            }
        }
        return cases;
    }

    private static int[] ints(Tensor tensor) {
        float[] values = new float[tensor.size(0)];
        Elements.toFloats(tensor, 0, values.length, values, 0);
        int[] ints = new int[values.length];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = (int) values[i];
        }
        return ints;
    }

    private static float[][] rows(Tensor tensor) {
        float[][] rows = new float[tensor.size(0)][tensor.size(1)];
        for (int r = 0; r < rows.length; r++) {
            Elements.toFloats(tensor, (long) r * rows[r].length, rows[r].length, rows[r], 0);
        }
        return rows;
    }
}

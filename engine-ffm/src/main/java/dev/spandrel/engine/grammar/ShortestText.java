package dev.spandrel.engine.grammar;

import dev.spandrel.engine.grammar.Grammar.Node;
import java.util.Arrays;

/** How many bytes it takes at least from each node to the end of its rule (Knuth's generalisation of Dijkstra, 1977). */
final class ShortestText {
    private ShortestText() {}

    /** By node; {@link Grammar#ENDLESS} where there is no end. */
    static int[] need(Node[] nodes) {
        int[] need = new int[nodes.length];
        Arrays.fill(need, Grammar.ENDLESS);
        boolean changed = true;
        // Rounds until nothing gets shorter; alternating directions settles a chain of nodes in few.
        for (boolean up = true; changed; up = !up) {
            changed = false;
            for (int i = 0; i < nodes.length; i++) {
                int index = up ? i : nodes.length - 1 - i;
                int shorter = need(nodes[index], need);
                if (shorter < need[index]) {
                    need[index] = shorter;
                    changed = true;
                }
            }
        }
        return need;
    }

    private static int need(Node node, int[] need) {
        long bytes = switch (node.kind()) {
            case END -> 0;
            case BYTES -> 1L + need[node.next()];
            case CALL -> (long) need[node.rule()] + need[node.next()];
            case LOOP -> (long) need[node.rule()] * node.from() + need[node.next()];
            case SPLIT -> {
                int least = Grammar.ENDLESS;
                for (int target : node.targets()) {
                    least = Math.min(least, need[target]);
                }
                yield least;
            }
        };
        return (int) Math.min(bytes, Grammar.ENDLESS);
    }
}

package dev.spandrel.engine.grammar;

/**
 * A place in a grammar with the calls that led to it: a node, and the frames to return to, shared between all that have
 * them in common. Made by a {@link GrammarMatcher}, equal only to itself.
 */
final class Frame {
    private final int node;
    private final int count;
    private final Frame parent;
    private final int depth;
    private final int rest;

    /**
     * @param node where it stands, or goes on when the call is over
     * @param count rounds of a LOOP that are over
     * @param parent whom to return to, or null
     * @param rest fewest bytes from here to the end of all
     */
    Frame(int node, int count, Frame parent, int rest) {
        this.node = node;
        this.count = count;
        this.parent = parent;
        this.depth = parent == null ? 0 : parent.depth + 1;
        this.rest = rest;
    }

    int node() {
        return node;
    }

    int count() {
        return count;
    }

    Frame parent() {
        return parent;
    }

    /** Frames below it. */
    int depth() {
        return depth;
    }

    /** Fewest bytes from here to the end of all. */
    int rest() {
        return rest;
    }
}

package dev.spandrel.engine.scheduler;

/** Finds drafts by prompt lookup: the tokens that followed the latest earlier occurrence of a sequence's last tokens. */
public final class NgramProposer {
    private final int longestDraft;
    private final int shortest;
    private final int longest;
    private final int[] draft;

    /**
     * @param longestDraft most tokens of a draft
     * @param shortest fewest last tokens that must occur before
     * @param longest most last tokens looked for; the longest match wins
     */
    public NgramProposer(int longestDraft, int shortest, int longest) {
        this.longestDraft = longestDraft;
        this.shortest = shortest;
        this.longest = longest;
        draft = new int[longestDraft];
    }

    /** Gives a sequence that decodes a draft, never beyond its end; none where its last tokens are new. */
    public void propose(Sequence sequence) {
        // The step yields one token more than the draft.
        int room = Math.min(longestDraft, sequence.maxLength() - sequence.length() - 1);
        if (room <= 0) {
            return;
        }
        int[] tokens = sequence.tokens();
        int length = sequence.length();
        for (int size = Math.min(longest, length - 1); size >= shortest; size--) {
            int at = latestMatch(tokens, length, size);
            if (at >= 0) {
                int count = Math.min(room, length - at - size);
                System.arraycopy(tokens, at + size, draft, 0, count);
                sequence.draft(draft, count);
                return;
            }
        }
    }

    /** Where the last {@code size} tokens stand an earlier time, the latest such place, or −1. */
    private static int latestMatch(int[] tokens, int length, int size) {
        for (int at = length - size - 1; at >= 0; at--) {
            int i = 0;
            while (i < size && tokens[at + i] == tokens[length - size + i]) {
                i++;
            }
            if (i == size) {
                return at;
            }
        }
        return -1;
    }
}

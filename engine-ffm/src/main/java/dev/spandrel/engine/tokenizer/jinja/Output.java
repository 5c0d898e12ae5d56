package dev.spandrel.engine.tokenizer.jinja;

/** Text being rendered, bounded by the budget. */
final class Output {
    private final StringBuilder text = new StringBuilder();
    private final Budget budget;

    Output(Budget budget) {
        this.budget = budget;
    }

    void append(String more) {
        budget.charge((long) text.length() + more.length() > Budget.MAX_SIZE ? Budget.MAX_SIZE + 1L : more.length());
        text.append(more);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

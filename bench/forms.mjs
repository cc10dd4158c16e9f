/** What each form of the bench measures: which cells of a question, and which of its variants in them. */

/** @param {{ short: boolean, goals: boolean }} form neither: everything */
export function hasCell(cell, { short, goals }) {
  return cell.short === true || (goals ? cell.goal === true : !short);
}

/**
 * @param {{ short: boolean, goals: boolean, profile?: boolean }} form a profile: the first variant, or who is asked for,
 *   beside the floors
 * @param {string} runtime `node`, `bun` or `deno`
 * @param {string[]} asked words of which a variant's name must hold one, but the first one's; none: all of them
 * @returns {string[]} names
 */
export function variantsOf(question, cell, { short, goals, profile = false }, runtime, asked = []) {
  const [first] = Object.keys(question.variants);
  const few = goals ? [...question.short, ...(question.goalsNeed ?? [])] : question.short;
  return Object.keys(question.variants).filter((name) => {
    const { only, floor = false } = question.variants[name];
    if (only !== undefined && only !== runtime) return false;
    if (cell.without?.includes(name) || (cell.with !== undefined && !cell.with.includes(name))) return false;
    if (profile) return floor || (asked.length === 0 ? name === first : asked.some((word) => name.includes(word)));
    if ((short || goals) && !few.includes(name)) return false;
    return asked.length === 0 || name === first || asked.some((word) => name.includes(word));
  });
}

namespace LoraOps.Recipes;

/// <summary>Selects jobs: a glob with <c>*</c> and <c>?</c> over <c>adapter/chip</c>, the adapter's name or the chip's.</summary>
internal static class JobPattern
{
    /// <summary>True if the pattern selects the job.</summary>
    public static bool Selects(string pattern, string adapter, string chip) =>
        Fits(pattern, $"{adapter}/{chip}") || Fits(pattern, adapter) || Fits(pattern, chip);

    // The star remembers where it stood: one step back is enough, so time stays below length times length.
    private static bool Fits(string pattern, string text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*')
            {
                p++;
                t++;
            }
            else if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = t;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++mark;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).Trim('*').IsEmpty;
    }
}

using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Options;

/// <summary>Gates as users write them.</summary>
internal static class GateTexts
{
    /// <summary>Reads all of them.</summary>
    /// <exception cref="LoraOpsException">Some are wrong; all of these are told at once.</exception>
    public static IReadOnlyList<Gate> Parse(IEnumerable<string> texts)
    {
        var gates = new List<Gate>();
        var problems = new List<Problem>();
        foreach (var text in texts)
        {
            try
            {
                gates.Add(Gate.Parse(text));
            }
            catch (LoraOpsException wrong)
            {
                problems.AddRange(wrong.Problems);
            }
        }

        return problems.Count == 0 ? gates : throw new LoraOpsException(problems);
    }
}

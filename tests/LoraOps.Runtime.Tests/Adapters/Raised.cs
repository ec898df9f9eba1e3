using LoraOps.Problems;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>Expects a problem.</summary>
internal static class Raised
{
    public static Problem By(ProblemCode code, Action work)
    {
        var problem = Assert.Throws<LoraOpsException>(work).Problems[0];
        Assert.Equal(code, problem.Code);
        return problem;
    }

    public static Problem By(ProblemCode code, Func<object> work) => By(code, () => { _ = work(); });
}

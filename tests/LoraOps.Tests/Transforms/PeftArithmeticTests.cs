using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Tests.Mixing;
using LoraOps.Transforms;

namespace LoraOps.Tests.Transforms;

/// <summary>What add_weighted_adapter and save_pretrained wrote has the delta that is reproduced, right or wrong.</summary>
public sealed class PeftArithmeticTests
{
    // PEFT draws the masks of dare from the global generator of torch.
    public static TheoryData<string> Cases =>
    [
        .. GoldenMixCase.All().Where(name => !name.StartsWith("dare", StringComparison.Ordinal) &&
            Directory.Exists(Path.Combine(GoldenMixCase.FolderOf(name), "peft"))),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Reproduces_what_peft_wrote(string name)
    {
        using var golden = GoldenMixCase.Of(name);
        using var folder = new TemporaryFolder();
        var request = golden.Request(folder["mixed"]);
        using (var plan = MixPlan.Make(request with { PeftType = PeftArithmetic.TypeOf(golden.Method, golden.Settings.Rank is not null) }))
            plan.Run();

        var (expected, found) = (PeftReader.Read(Path.Combine(golden.Folder, "peft")), PeftReader.Read(folder["mixed"]));
        foreach (var module in found.Modules)
        {
            var theirs = expected.Modules.Single(other => other.Name == module.Name && other.Delta.Parameter == module.Delta.Parameter);
            var (a, b) = (Delta(golden, module), Delta(golden, theirs));
            var norm = Math.Sqrt(b.Sum(value => value * value));
            Assert.InRange(Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum()), 0, (1e-6 * norm) + 1e-12);
        }

        Assert.Equal(
            expected.Modules.Where(module => module.Delta.Parameter == "weight").Select(module => module.Name),
            found.Modules.Select(module => module.Name));
    }

    private static double[] Delta(GoldenMixCase golden, AdapterModule module)
    {
        var weight = module.Delta.NeedsWeight
            ? TargetWeight.Of(module.Delta.WeightShape!, golden.Stored(module.Name.Parameter("weight")))
            : null;
        return DeltaMatrices.Of(module.Delta, weight).ToArray();
    }
}

using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

public sealed class GoldenMergeTests
{
    public static TheoryData<string> Merged =>
        [.. Cases(IsMerged)];

    public static TheoryData<string> Refused =>
        [.. Cases(golden => !IsMerged(golden))];

    [Theory]
    [MemberData(nameof(Merged))]
    public void Meets_the_truth_in_float64(string name)
    {
        var golden = GoldenCase.Of(name);
        using var folder = new TemporaryFolder();
        using (var plan = golden.Plan(folder["out.safetensors"]))
            plan.Run();

        using var merged = SafetensorsFile.Open(folder["out.safetensors"]);
        using var truth = SafetensorsFile.Open(golden.TruthPath);
        using var original = SafetensorsFile.Open(golden.BasePath);
        var (differing, count) = (0, 0L);
        foreach (var tensor in truth.Tensors)
        {
            differing += GoldenCase.Differing(Found(merged, tensor.Name), GoldenCase.Doubles(tensor), golden.Limit);
            count += tensor.Shape.ElementCount;
        }

        Assert.True(differing <= Math.Max(1, count / 1000), $"{differing} of {count} elements differ from the truth rounded once");
        foreach (var unchanged in golden.Unchanged.Where(unchanged => truth.Find(unchanged) is null))
            Assert.Equal(Found(original, unchanged).ToBytes(), Found(merged, unchanged).ToBytes());

        var expected = original.Tensors.Select(tensor => tensor.Name).Union(golden.NewTensors).Union(truth.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(expected.Order(StringComparer.Ordinal), merged.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_and_writes_nothing(string name)
    {
        var golden = GoldenCase.Of(name);
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<LoraOpsException>(() =>
        {
            using var plan = golden.Plan(folder["out.safetensors"]);
            plan.Run();
        });

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
        if (golden.ExpectsMerge)
            Assert.Equal([ProblemCode.MethodRefused], error.Problems.Select(problem => problem.Code));
    }

    private static bool IsMerged(GoldenCase golden) =>
        golden.ExpectsMerge && AdapterMethods.Of(golden.ConfigType!).Any();

    private static IEnumerable<string> Cases(Func<GoldenCase, bool> wanted) => GoldenCase.All().Where(name => wanted(GoldenCase.Of(name)));

    private static Tensor Found(SafetensorsFile file, string name) =>
        file.Find(name) ?? throw new InvalidOperationException($"'{name}' is missing.");
}

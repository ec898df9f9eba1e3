using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Sessions;

/// <summary>Every exported base gives what PyTorch recorded for it: the ground that every other proof stands on.</summary>
public sealed class RecordedLogitsTests
{
    private const double Bound = 1e-4;

    public static TheoryData<string> Models() =>
        [.. new[] { "bev-vit", "neck-cnn", "voice-gpt2", "planner-llama" }
            .SelectMany(model => Directory.EnumerateDirectories(Fixtures.Path(model, "onnx")))
            .Select(folder => Path.GetRelativePath(Fixtures.Path(), folder))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_base_gives_the_recorded_logits(string folder)
    {
        using var session = OnnxSession.Open(Fixtures.Path(folder, "model.onnx"));
        var references = Directory.GetFiles(Fixtures.Path(folder, "..", "..", "reference"));
        Assert.NotEmpty(references);
        foreach (var file in references)
        {
            var record = SampleSet.Open(file);
            var expected = (record.Find("base_logits") ?? record.Find("logits"))!;

            var given = session.Run(record, 0, record.Count)["logits"];

            Assert.Equal(expected.Shape, given.Shape);
            var worst = expected.ToFloats().Zip(given.Values, (x, y) => Math.Abs((double)x - y)).Max();
            Assert.True(worst <= Bound, $"{file}: {worst}");
        }
    }
}

using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Peft;

/// <summary>The adapters that PEFT trained for the models of the fixtures.</summary>
public sealed class TrainedAdapterTests
{
    public static TheoryData<string, string> Adapters
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var model in (string[])["bev-vit", "neck-cnn", "planner-llama", "voice-gpt2"])
            {
                foreach (var folder in Directory.GetDirectories(Fixtures.Path(model, "adapters")).Order(StringComparer.Ordinal))
                    data.Add(model, Path.GetFileName(folder));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Reads_every_trained_adapter(string model, string name)
    {
        var folder = Fixtures.Path(model, "adapters", name);
        if (name == "shanghai-depthwise")
        {
            var problems = Assert.Throws<LoraOpsException>(() => PeftReader.Read(folder)).Problems;
            Assert.Equal([ProblemCode.GroupedConvolution, ProblemCode.GroupedConvolution], problems.Select(p => p.Code));
            return;
        }

        var adapter = PeftReader.Read(folder);
        Assert.NotEmpty(adapter.Modules);
        Assert.Equal(name, adapter.Name);
        Assert.Equal(64, adapter.Digest.Length);
    }
}

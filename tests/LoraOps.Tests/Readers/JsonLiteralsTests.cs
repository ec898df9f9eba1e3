using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers;

/// <summary>A wrong literal costs no more than the file that it stands in.</summary>
public sealed class JsonLiteralsTests : IDisposable
{
    private const int Long = 1 << 20;
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("{\"a\": t")]
    [InlineData("{\"a\\\"\": nul")]
    [InlineData("fals")]
    [InlineData("NaN")]
    public void Is_refused_without_a_message_of_its_size(string start)
    {
        var text = start + new string('[', Long);
        RawSafetensors.Write(_folder["a.safetensors"], text);
        File.WriteAllText(_folder["model.safetensors.index.json"], text);
        File.WriteAllText(_folder["adapter_config.json"], text);

        Assert.Equal(ProblemCode.SafetensorsHeaderNotJson, Refused(() => SafetensorsFile.Open(_folder["a.safetensors"])));
        Assert.Equal(ProblemCode.IndexNotJson, Refused(() => Checkpoint.Open(_folder["model.safetensors.index.json"])));
        Assert.Equal(ProblemCode.AdapterConfigInvalid, Refused(() => PeftReader.Read(_folder.Path)));
    }

    [Theory]
    [InlineData("""{"__metadata__": null}""")]
    [InlineData("""{"__metadata__": {"t": "nul fals \" [ tru \\"}}""")]
    public void Leaves_what_is_json_alone(string header) =>
        SafetensorsFile.Open(RawSafetensors.Write(_folder["good.safetensors"], header)).Dispose();

    public void Dispose() => _folder.Dispose();

    private static ProblemCode Refused(Action read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(read).Problems);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * Long);
        Assert.InRange(problem.What.Length, 1, 200);
        return problem.Code;
    }
}

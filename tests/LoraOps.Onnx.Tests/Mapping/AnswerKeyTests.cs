using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>Every weight of every exported model against <c>sites.json</c>, which was found by comparing contents.</summary>
public class AnswerKeyTests
{
    public static TheoryData<string> Graphs()
    {
        var data = new TheoryData<string>();
        foreach (var root in new[] { Fixtures.Path(), Fixtures.Shared is { } shared ? Path.Combine(shared, "models") : null })
        {
            if (root is not null)
                data.AddRange([.. Directory.EnumerateFiles(root, "sites.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Graphs))]
    public void Maps_every_weight_where_its_content_is(string key) => AssertAnswers(key, useBase: false);

    [Theory]
    [MemberData(nameof(Graphs))]
    public void Maps_the_same_with_the_base_beside(string key) => AssertAnswers(key, useBase: true);

    private static void AssertAnswers(string key, bool useBase)
    {
        var model = OnnxModel.Load(Path.Combine(Path.GetDirectoryName(key)!, "model.onnx"));
        var hf = Path.Combine(Path.GetDirectoryName(key)!, "..", "..", "hf");
        using var checkpoint = Checkpoint.Open(hf);
        var resolver = new ModuleResolver(model, new GraphIndex(model), new MappingOptions { Base = useBase ? checkpoint : null });
        using var json = JsonDocument.Parse(File.ReadAllBytes(key));
        foreach (var answer in json.RootElement.EnumerateArray())
            AssertAnswer(resolver, answer, useBase);
    }

    private static void AssertAnswer(ModuleResolver resolver, JsonElement answer, bool useBase)
    {
        var kind = answer.GetProperty("kind").GetString()!;
        var module = answer.GetProperty("weight").GetString()![..^".weight".Length];
        long[] dims = [.. answer.GetProperty("shape").EnumerateArray().Select(dim => dim.GetInt64())];
        var layer = kind.StartsWith("Conv2d", StringComparison.Ordinal) ? LayerKind.Convolution
            : kind == "Embedding" ? LayerKind.Embedding : LayerKind.Linear;

        // The file of a GPT-2 Conv1D holds [in, out]; an adapter speaks of [out, in].
        var shape = kind == "Conv1D" ? new TensorShape(dims[1], dims[0]) : new TensorShape(dims);
        var problems = new List<Problem>();
        var resolution = resolver.Resolve(new ModuleName(module), layer, shape, problems);
        var isDepthwise = layer == LayerKind.Convolution && dims[1] == 1 && module.StartsWith("depthwise", StringComparison.Ordinal);
        var isFolded = kind.Contains("folded", StringComparison.Ordinal);
        if (isFolded && useBase && !isDepthwise)
        {
            Assert.True(resolution is not null, $"{module}: {string.Join(' ', problems)}");
            Assert.Equal(dims[0], Assert.Single(resolution.Places).Factors!.Count);
            return;
        }

        if (isDepthwise || isFolded)
        {
            Assert.Null(resolution);
            var code = Assert.Single(problems).Code;
            Assert.True(code is ProblemCode.WeightRewritten || (isDepthwise && code is ProblemCode.ConvolutionGrouped), $"{module}: {code}");
            return;
        }

        Assert.True(resolution is not null, $"{module}: {string.Join(' ', problems)}");
        var found = answer.GetProperty("found")[0];
        Assert.All(resolution.Uses, use => Assert.Equal(found.GetProperty("initializer").GetString(), use.Name));
        Assert.Contains(resolution.Uses, use => found.GetProperty("consumers").EnumerateArray()
            .Any(consumer => consumer.GetProperty("node").GetString() == use.Node.Name));
        var isStored = found.GetProperty("orientation").GetString() == "as stored";
        Assert.All(resolution.Uses, use => Assert.Equal(kind == "Conv1D" ? isStored : !isStored, use.IsTransposed));
    }
}

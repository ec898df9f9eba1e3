using LoraOps.Adapters;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.AdapterFiles;

public sealed class NameDialectTests
{
    private static readonly string[] Words =
        ["model", "layers", "blocks", "h", "0", "11", "self_attn", "attn", "attention", "q_proj", "weight", "lora_A", "default", "MatMul", "lora", "mlp"];

    private static readonly string[] Parts =
        ["lora_A", "lora_B", "lora_g", "lora_embedding_A", "lora_embedding_B", "weight", "bias", "in_proj_weight", "default", "lora_C", "MatMul"];

    [Theory]
    [InlineData("canonical", "model.layers.0.self_attn.q_proj", "lora_A", "model.layers.0.self_attn.q_proj.lora_A.weight")]
    [InlineData("canonical", "model.embed_tokens", "lora_embedding_B", "model.embed_tokens.lora_embedding_B")]
    [InlineData("canonical", "vit.layers.0.attention.q_proj", "lora_g", "vit.layers.0.attention.q_proj.lora_g.weight")]
    [InlineData("canonical", "classifier", "bias", "classifier.bias")]
    [InlineData("olive-dynamo", "model.layers.0.self_attn.q_proj", "lora_A", "model.layers.0.self_attn.q_proj.lora_A.default.weight")]
    [InlineData("olive-dynamo", "model.embed_tokens", "lora_embedding_A", "model.embed_tokens.lora_embedding_A.default")]
    [InlineData("olive-dynamo", "classifier", "weight", "classifier.weight")]
    [InlineData("genai-builder", "model.layers.0.self_attn.q_proj", "lora_B", "model.layers.0.attn.q_proj.lora_B.MatMul.weight")]
    [InlineData("genai-builder", "model.layers.12.self_attn.q_proj", "bias", "model.layers.12.attn.q_proj.bias")]
    [InlineData("genai-builder", "model.layers.0.mlp.up_proj", "lora_B", "model.layers.0.mlp.up_proj.lora_B.MatMul.weight")]
    [InlineData("genai-builder", "transformer.h.0.attn.c_attn", "lora_A", "transformer.h.0.attn.c_attn.lora_A.MatMul.weight")]
    [InlineData("genai-builder", "layers.3.self_attn", "lora_A", "layers.3.attn.lora_A.MatMul.weight")]
    public void A_name_says_its_module_and_part(string dialect, string module, string part, string name)
    {
        var found = NameDialects.Find(dialect)!;

        Assert.Equal(name, found.InputName(new ModuleName(module), part));
        Assert.Equal((new ModuleName(module), part), found.Parse(name));
    }

    [Fact]
    public void What_a_dialect_says_it_understands_and_what_it_understands_it_says()
    {
        var (said, refused) = (0, 0);
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var module = new ModuleName(string.Join('.', Enumerable.Range(0, random.Next(1, 6)).Select(_ => Words[random.Next(Words.Length)])));
            var part = Parts[random.Next(Parts.Length)];
            foreach (var dialect in NameDialects.All)
            {
                try
                {
                    Assert.Equal((module, part), dialect.Parse(dialect.InputName(module, part)));
                    said++;
                }
                catch (LoraOpsException error)
                {
                    Assert.Equal(ProblemCode.AdapterNameUnsayable, error.Problems[0].Code);
                    refused++;
                }

                if (dialect.Parse(module.Value) is { } meaning)
                    Assert.Equal(module.Value, dialect.InputName(meaning.Module, meaning.Part));
            }
        }

        Assert.True(said > 2000 && refused > 200, $"{said} said, {refused} refused");
    }

    [Theory]
    [InlineData("canonical", "A")]
    [InlineData("canonical", "")]
    [InlineData("canonical", ".weight")]
    [InlineData("canonical", "x.")]
    [InlineData("canonical", "x..weight")]
    [InlineData("canonical", "x.lora_A.default.weight")]
    [InlineData("canonical", "x.lora_A")]
    [InlineData("olive-dynamo", "x.lora_A.weight")]
    [InlineData("genai-builder", "layers.0.self_attn.q_proj.lora_A.MatMul.weight")]
    [InlineData("genai-builder", "x.lora_embedding_A")]
    public void Names_of_others_are_not_understood(string dialect, string name) => Assert.Null(NameDialects.Find(dialect)!.Parse(name));

    [Fact]
    [Raises(ProblemCode.AdapterNameUnsayable)]
    public void A_module_that_is_really_called_attn_has_no_name_in_genai_builder()
    {
        var refused = Assert.Throws<LoraOpsException>(() => NameDialects.GenaiBuilder.InputName(new ModuleName("layers.0.attn.qkv"), "lora_A"));

        Assert.Equal(ProblemCode.AdapterNameUnsayable, refused.Problems[0].Code);
        Assert.Equal("blocks.0.attn.qkv.lora_A.MatMul.weight", NameDialects.GenaiBuilder.InputName(new ModuleName("blocks.0.attn.qkv"), "lora_A"));
    }

    [Fact]
    public void A_dialect_is_found_by_its_names()
    {
        foreach (var dialect in NameDialects.All)
        {
            string[] names = [dialect.InputName(new ModuleName("model.layers.0.self_attn.q_proj"), "lora_A"), "classifier.bias"];
            Assert.Same(dialect, NameDialects.Of(names, "x"));
            Assert.Same(dialect, NameDialects.Find(dialect.Name));
        }

        Assert.Null(NameDialects.Find("other"));
    }
}

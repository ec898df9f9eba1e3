using LoraOps.Testing;

namespace LoraOps.Recipes.Tests;

/// <summary>A folder with a recipe of its own over the fixtures of bev-vit, and its output.</summary>
internal sealed class Kitchen : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The recipe's file.</summary>
    public string Path => _folder["recipe.yaml"];

    /// <summary>Where bundles go.</summary>
    public string Output => _folder["out"];

    /// <summary>A path beside the recipe.</summary>
    public string this[string name] => _folder[name];

    /// <summary>The path of a bundle's file.</summary>
    public string Bundle(string name, string file = "") => System.IO.Path.Combine(Output, name, file);

    /// <summary>A recipe for some adapters and chips; <paramref name="more"/> is YAML that goes to its end.</summary>
    public Recipe Write(string adapters = "shanghai", string chips = "x64-vnni", string more = "")
    {
        var fixtures = Fixtures.Path("bev-vit");
        File.WriteAllText(Path, $$"""
            recipe: 1
            name: test
            base: {model: {{fixtures}}/onnx/torchscript/model.onnx, weights: {{fixtures}}/hf/model.safetensors}
            defaults:
              path: "{{fixtures}}/adapters/{adapter}"
              calibration: "{{fixtures}}/calibration/{adapter}.safetensors"
              evaluation: "{{fixtures}}/eval/{adapter}.safetensors"
              expected: "{{fixtures}}/reference/{adapter}.safetensors"
            chips: [{{chips}}]
            adapters:
            {{string.Join('\n', adapters.Split(' ').Select(name => $"  {name}:"))}}
            {{more}}
            """);
        return Recipe.Load(Path);
    }

    /// <summary>Plans and runs.</summary>
    public static Report Run(Recipe recipe, int jobs = 1, string? only = null) =>
        RecipeRun.Run(Plan.Make(recipe, new PlanOptions { Only = only }), new RunOptions { Jobs = jobs });

    /// <summary>Every published file with its content, by path in the output.</summary>
    public SortedDictionary<string, byte[]> Published() => new(
        Directory.EnumerateFiles(Output, "*", SearchOption.AllDirectories)
            .Select(file => System.IO.Path.GetRelativePath(Output, file))
            .Where(file => !file.StartsWith('.'))
            .ToDictionary(file => file, file => File.ReadAllBytes(System.IO.Path.Combine(Output, file))),
        StringComparer.Ordinal);

    public void Dispose() => _folder.Dispose();
}

using System.Text;
using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Problems;

namespace LoraOps.Readers.Peft;

/// <summary>
/// What stands for adapter_config.json where there is none: the metadata <c>lora_adapter_metadata</c> of diffusers, a JSON
/// object of the fields of each component (<c>unet.lora_alpha</c>), or else each module's own rank and alpha.
/// </summary>
internal sealed class BareConfigs
{
    private const string MetadataKey = "lora_adapter_metadata";
    private const int MostText = 16 << 20;
    private const int MaxDepth = 32;
    private readonly Dictionary<string, AdapterConfig> _byComponent = new(StringComparer.Ordinal);
    private readonly string _file;
    private readonly ICollection<Problem> _problems;

    /// <summary>Reads the metadata, if there is any.</summary>
    /// <exception cref="LoraOpsException">It is no JSON object of configs.</exception>
    public BareConfigs(string file, IReadOnlyDictionary<string, string> metadata, ICollection<Problem> problems)
    {
        (_file, _problems) = (file, problems);
        if (metadata.TryGetValue(MetadataKey, out var text))
            ReadMetadata(text);
    }

    /// <summary>The config that the file gives for a module's component, or null.</summary>
    public AdapterConfig? Find(ModuleName module) => _byComponent.GetValueOrDefault(module.Segments[0]);

    /// <summary>A config of one rank and one alpha.</summary>
    /// <param name="peftType">LORA, LOHA or LOKR.</param>
    /// <param name="rank">From 1.</param>
    /// <param name="alpha">The product's factor is alpha / rank.</param>
    /// <param name="flags">The fields that are true.</param>
    public AdapterConfig Plain(string peftType, long rank, double alpha, IEnumerable<string> flags)
    {
        var name = peftType == "LORA" ? "lora_alpha" : "alpha";
        var set = string.Concat(flags.Select(flag => $", \"{flag}\": true"));
        var json = FormattableString.Invariant($"{{\"peft_type\": \"{peftType}\", \"r\": {rank}, \"{name}\": {alpha:r}{set}}}");
        return ConfigReader.Read(JsonDocument.Parse(json).RootElement, _file, residualBase: false, _problems);
    }

    private void ReadMetadata(string text)
    {
        if (text.Length > MostText)
            throw Invalid($"has {text.Length} characters; at most {MostText} are allowed");

        try
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            JsonLiterals.Check(bytes);

            // Not disposed: the configs keep their fields.
            var root = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false }).RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Invalid("is no JSON object");

            foreach (var component in root.EnumerateObject().GroupBy(field => field.Name.Split('.')[0], StringComparer.Ordinal))
                _byComponent[component.Key] = ConfigReader.Read(
                    FieldsOf(component), $"{_file}: {MetadataKey} of {component.Key}", residualBase: false, _problems);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Invalid($"is no valid JSON: {error.Message}");
        }
    }

    private JsonElement FieldsOf(IGrouping<string, JsonProperty> component)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var field in component)
            {
                if (field.Name.Length <= component.Key.Length + 1)
                    throw Invalid($"has a field '{field.Name}' that belongs to no component");

                json.WritePropertyName(field.Name[(component.Key.Length + 1)..]);
                field.Value.WriteTo(json);
            }

            if (!component.Any(field => field.Name == $"{component.Key}.peft_type"))
                json.WriteString("peft_type", "LORA");

            json.WriteEndObject();
        }

        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private LoraOpsException Invalid(string reason) => new(AdapterProblems.ConfigInvalid(_file, $"metadata '{MetadataKey}' {reason}"));
}

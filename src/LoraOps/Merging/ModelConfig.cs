using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraOps.Problems;
using LoraOps.Readers;
using LoraOps.Readers.Quantised;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>What the <c>config.json</c> beside a base says that matters for merging (transformers' format).</summary>
internal sealed class ModelConfig
{
    private const int MaxBytes = 16 << 20;
    private const string TieField = "tie_word_embeddings";
    private const string VocabularyField = "vocab_size";
    private const string LabelsField = "id2label";
    private const int DefaultClasses = 2;
    private const int MostClasses = 1 << 17;

    private static readonly string[] TypeFields = ["torch_dtype", "dtype"];

    // The layers of these families that hold [in, out], because they come from OpenAI's Conv1D.
    private static readonly string[] Conv1DFamilies = ["gpt2", "openai-gpt", "imagegpt", "decision_transformer"];

    // T5 multiplies the output of a tied head with d_model^-0.5.
    private static readonly string[] ScalingFamilies = ["t5", "mt5", "umt5", "longt5", "switch_transformers", "pop2piano"];

    // As transformers indents it; names in other scripts stay readable.
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly byte[] _bytes;
    private readonly JsonObject _root;

    private ModelConfig(byte[] bytes, JsonObject root)
    {
        _bytes = bytes;
        _root = root;
    }

    /// <summary>The model's family, or null.</summary>
    public string? ModelType => Text("model_type");

    /// <summary>What the config says about tying head and embedding; null if it says nothing.</summary>
    public bool? TiesEmbeddings => Section(TieField)?[TieField] is JsonValue value && value.TryGetValue(out bool ties) ? ties : null;

    /// <summary>What the config says about quantised weights; null if it says nothing.</summary>
    public QuantisationConfig? Quantisation => Section(QuantisationConfig.Field) is { } section ? QuantisationConfig.Of(_root, section) : null;

    /// <summary>True for a model whose head is called lm_head.</summary>
    public bool HasLanguageHead => _root["architectures"] is JsonArray names && names.Any(name =>
        name is JsonValue value && value.TryGetValue(out string? text) &&
        (text.EndsWith("ForCausalLM", StringComparison.Ordinal) || text.EndsWith("LMHeadModel", StringComparison.Ordinal)));

    /// <summary>How many classes a classifier has; transformers takes 2 where the config names none.</summary>
    public long Classes => _root[LabelsField] is JsonObject labels ? labels.Count : DefaultClasses;

    /// <summary>True if linear layers of this family may be stored [in, out].</summary>
    public bool StoresConv1D => Conv1DFamilies.Contains(ModelType);

    /// <summary>True if a tied head computes something else than an untied one.</summary>
    public bool ScalesTiedHead => ScalingFamilies.Contains(ModelType);

    /// <summary>Reads a config; null for null.</summary>
    /// <exception cref="LoraOpsException">It is unreadable or no JSON object.</exception>
    public static ModelConfig? Read(string? file)
    {
        if (file is null)
            return null;

        using var stream = InputFile.Open(file);
        if (stream.Length > MaxBytes)
            throw new LoraOpsException(MergeProblems.ConfigInvalid(file, $"it has {stream.Length} bytes; at most {MaxBytes} are allowed"));

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        try
        {
            JsonLiterals.Check(bytes);
            var options = new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false };
            if (JsonNode.Parse(bytes, documentOptions: options) is not JsonObject root)
                throw new LoraOpsException(MergeProblems.ConfigInvalid(file, "it is no JSON object"));

            // A text is decoded when it is asked for: only then is seen that it is no Unicode.
            Decode(root);
            return new ModelConfig(bytes, root);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new LoraOpsException(MergeProblems.ConfigInvalid(file, error.Message));
        }
    }

    /// <summary>The config with what the merge changed; the very bytes if that is nothing.</summary>
    /// <param name="untied">True if head and embedding are two tensors now.</param>
    /// <param name="vocabulary">The vocabulary's size before and after, or null if it stayed.</param>
    /// <param name="classes">The number of classes if it changed, or null.</param>
    /// <param name="dequantised">The type of the weights that are not quantised any more, or null if none were.</param>
    public byte[] With(bool untied, (long Before, long After)? vocabulary, long? classes = null, ElementType? dequantised = null)
    {
        if (!untied && vocabulary is null && classes is null && dequantised is null)
            return _bytes;

        var root = (JsonObject)_root.DeepClone();
        if (untied)
        {
            foreach (var section in Sections(root).Where(section => section.ContainsKey(TieField)).Prepend(root).Distinct())
                section[TieField] = false;
        }

        if (vocabulary is var (before, after))
        {
            foreach (var section in Sections(root).Where(section => IsSize(section[VocabularyField], before)))
                section[VocabularyField] = after;
        }

        if (classes is <= MostClasses and { } count && count != Classes)
            NameClasses(root, (int)count);

        if (dequantised is { } type)
            Dequantise(root, type);

        return Encode(root);
    }

    // As transformers names classes that nobody named.
    private static void NameClasses(JsonObject root, int count)
    {
        var (names, numbers) = (new JsonObject(), new JsonObject());
        foreach (var label in Enumerable.Range(0, count))
        {
            var number = label.ToString(CultureInfo.InvariantCulture);
            names[number] = $"LABEL_{number}";
            numbers[$"LABEL_{number}"] = label;
        }

        (root[LabelsField], root["label2id"]) = (names, numbers);
        if (root.ContainsKey("num_labels"))
            root["num_labels"] = count;
    }

    // Newer versions of transformers write dtype, and read the older name as well.
    private static void Dequantise(JsonObject root, ElementType type)
    {
        foreach (var section in Sections(root))
        {
            section.Remove(QuantisationConfig.Field);
            foreach (var field in TypeFields.Where(section.ContainsKey))
                section[field] = QuantisationConfig.NameOf(type);
        }

        if (!TypeFields.Any(root.ContainsKey))
            root[TypeFields[0]] = QuantisationConfig.NameOf(type);
    }

    private static void Decode(JsonNode? node)
    {
        if (node is JsonObject section)
        {
            foreach (var (_, value) in section)
                Decode(value);
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
                Decode(item);
        }
        else if (node?.GetValueKind() == JsonValueKind.String)
        {
            node.GetValue<string>();
        }
    }

    private static byte[] Encode(JsonObject root)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented))
            root.WriteTo(json);

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static bool IsSize(JsonNode? node, long size) =>
        node is JsonValue value && value.TryGetValue(out long found) && found == size;

    // Multimodal configs keep the language model's fields one level down.
    private static IEnumerable<JsonObject> Sections(JsonObject root) =>
        root["text_config"] is JsonObject inner ? [root, inner] : [root];

    private JsonObject? Section(string field) => Sections(_root).FirstOrDefault(section => section.ContainsKey(field));

    private string? Text(string field) => _root[field] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}

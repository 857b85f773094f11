import java.nio.file.Path;
import java.time.Duration;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.connectors.ConnectorPortRegister;
import org.neo4j.configuration.connectors.ConnectorType;
import org.neo4j.configuration.connectors.HttpConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

/** A Neo4j Community server with Bolt on a free port of loopback; ends when its standard input does. */
public class Neo4jUnderTest {
    public static void main(String[] arguments) throws Exception {
        var service = new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", 0))
            .setConfig(GraphDatabaseSettings.auth_enabled, true)
            .build();
        try {
            var database = (GraphDatabaseAPI) service.database("neo4j");
            var ports = database.getDependencyResolver().resolveDependency(ConnectorPortRegister.class);
            System.out.println("PORT " + ports.getLocalAddress(ConnectorType.BOLT).getPort());
            System.out.flush();
            while (System.in.read() != -1) { }
        } finally {
            service.shutdown();
        }
    }
}
